import { TAG, DerReader, objectId, octets } from '../der';
import { addCertificate, FormatProblem } from './parsed-file';
import { checkedPkcs8 } from './pkcs8';
import type { WorkLimit } from './work';

const BAG = {
  key: objectId('1.2.840.113549.1.12.10.1.1'),
  shroudedKey: objectId('1.2.840.113549.1.12.10.1.2'),
  certificate: objectId('1.2.840.113549.1.12.10.1.3'),
  safe: objectId('1.2.840.113549.1.12.10.1.6'),
} as const;
const X509 = objectId('1.2.840.113549.1.9.22.1');
const FRIENDLY_NAME = objectId('1.2.840.113549.1.9.20');
const LOCAL_KEY_ID = objectId('1.2.840.113549.1.9.21');

/** Depth of nested safes; no tool nests any. */
const MAX_NESTED = 4;
/** More keys than any server's keystore has; each may cost a key derivation. */
const MAX_KEYS = 256;

interface Bag {
  der: Buffer;
  /** friendlyName; may be empty. */
  alias: string;
  /** localKeyId, which links a key with its certificate; may be empty. */
  id: string;
}

export interface Bags {
  /** Decrypted PKCS#8. */
  keys: Bag[];
  certificates: Bag[];
}

type UnlockBag = (algorithm: DerReader, data: Buffer) => Buffer;

/** Adds the bags of a SafeContents (RFC 7292, 4.2) to `found`. */
export function collectBags(
  contents: Buffer,
  found: Bags,
  unlock: UnlockBag,
  work: WorkLimit,
  depth = 0,
): void {
  if (depth > MAX_NESTED) throw new FormatProblem('unsupported_format', 'its parts are nested too deeply');
  const bags = new DerReader(contents).enter();
  while (!bags.done) {
    work.values(1);
    const bag = bags.enter();
    const kind = bag.text(bag.next(TAG.objectId));
    const wrapper = bag.next(TAG.context0);
    const value = bag.inside(wrapper);
    const names = bag.done ? { alias: '', id: '' } : attributes(bag.enter(TAG.set), work);
    if (kind === BAG.certificate) {
      const certificate = value.enter();
      if (certificate.text(certificate.next(TAG.objectId)) !== X509) continue;
      addCertificate(found.certificates, { der: octets(certificate.enter(TAG.context0)), ...names });
    } else if (kind === BAG.key || kind === BAG.shroudedKey) {
      if (found.keys.length >= MAX_KEYS)
        throw new FormatProblem('too_large', `it holds more than ${MAX_KEYS} keys`);
      const der = kind === BAG.key ? bag.content(wrapper) : decryptKey(value.enter(), unlock);
      found.keys.push({ der: checkedPkcs8(der), ...names });
    } else if (kind === BAG.safe) {
      collectBags(bag.content(wrapper), found, unlock, work, depth + 1);
    }
  }
}

function decryptKey(info: DerReader, unlock: UnlockBag): Buffer {
  const algorithm = info.enter();
  return unlock(algorithm, octets(info));
}

function attributes(list: DerReader, work: WorkLimit): { alias: string; id: string } {
  const found = { alias: '', id: '' };
  while (!list.done) {
    work.values(1);
    const attribute = list.enter();
    const kind = attribute.text(attribute.next(TAG.objectId));
    const values = attribute.enter(TAG.set);
    if (values.done) continue;
    if (kind === FRIENDLY_NAME) found.alias = fromBmp(values.content(values.next()));
    else if (kind === LOCAL_KEY_ID) found.id = values.text(values.next());
  }
  return found;
}

const fromBmp = (bytes: Buffer) =>
  Buffer.from(bytes.subarray(0, bytes.length & ~1))
    .swap16()
    .toString('utf16le');
