import { TAG, DerReader, integer, objectId } from '../der';
import { asDer } from './ber';
import { addCertificate, FormatProblem } from './parsed-file';
import { WorkLimit } from './work';

const SIGNED_DATA = objectId('1.2.840.113549.1.7.2');

/**
 * The certificates of a PKCS#7 file (RFC 2315; `.p7b`, `.p7c`), in file order: a chain without its key.
 * @throws FormatProblem, RangeError
 */
export function readPkcs7(bytes: Buffer): Buffer[] {
  const work = new WorkLimit(false);
  const info = new DerReader(asDer(bytes, work)).enter();
  if (info.text(info.next(TAG.objectId)) !== SIGNED_DATA) {
    throw new FormatProblem(
      'unsupported_format',
      'it holds signed or encrypted data instead of certificates',
    );
  }
  const signed = info.enter(TAG.context0).enter();
  integer(signed);
  signed.next(TAG.set);
  signed.next(TAG.sequence);
  const set = signed.optional(TAG.context0);
  const certificates = set === null ? null : signed.inside(set);
  const found: Buffer[] = [];
  while (certificates?.done === false) {
    work.values(1);
    const from = certificates.position;
    const value = certificates.next();
    // Only X.509 certificates are untagged.
    if (value.tag === TAG.sequence) addCertificate(found, certificates.bytes.subarray(from, value.end));
  }
  if (found.length === 0) throw new FormatProblem('missing_certificate', 'there is no certificate in it');
  return found;
}
