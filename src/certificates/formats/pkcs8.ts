import { createPrivateKey } from 'node:crypto';
import { TAG, DerReader, enter, octets } from '../der';
import { FormatProblem, noPassword, wrongPassword } from './parsed-file';
import { decrypt } from './pbe';
import { WorkLimit } from './work';

/**
 * Decrypts an EncryptedPrivateKeyInfo (RFC 5958).
 * @returns DER of the PKCS#8 key
 * @throws FormatProblem, RangeError
 */
export function decryptPkcs8(der: Buffer, password: string | undefined): Buffer {
  if (password === undefined) throw noPassword();
  const info = enter(new DerReader(der));
  const algorithm = enter(info);
  return checkedPkcs8(decrypt(algorithm, octets(info), password, new WorkLimit(true)));
}

/** What was decrypted, cut to its own length. @throws FormatProblem where it is no PKCS#8: the password was wrong */
export function checkedPkcs8(der: Buffer): Buffer {
  try {
    const reader = new DerReader(der);
    const whole = reader.next(TAG.sequence);
    const info = reader.inside(whole);
    info.next(TAG.integer);
    info.next(TAG.sequence);
    info.next(TAG.octetString);
    return der.subarray(0, whole.end);
  } catch {
    throw wrongPassword();
  }
}

/**
 * Decrypts a PEM key of OpenSSL's old kind, with `Proc-Type: 4,ENCRYPTED`: one round of MD5, so it cannot take long.
 * @returns PEM
 * @throws FormatProblem
 */
export function decryptLegacyPem(text: string, password: string | undefined): string {
  if (password === undefined) throw noPassword();
  try {
    const key = createPrivateKey({ key: text, format: 'pem', passphrase: password });
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (error) {
    // Ciphers of the past are not in Node's OpenSSL; its message is left out, since it may quote.
    if ((error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED') {
      throw new FormatProblem(
        'unsupported_format',
        'its cipher (single DES, say) is one that OpenSSL has given up; encrypt it again (openssl pkcs8 -provider legacy -provider default -in OLD -topk8 -out NEW)',
      );
    }
    throw wrongPassword();
  }
}
