import { createPrivateKey } from 'node:crypto';
import { TAG, DerReader } from '../der';
import { Budget } from './budget';
import { decrypt } from './pbe';
import { FormatProblem, noPassword, wrongPassword } from './problem';
import { enter, octets } from './values';

/**
 * Decrypts an EncryptedPrivateKeyInfo (RFC 5958).
 * @returns DER of the PKCS#8 key
 * @throws FormatProblem, RangeError
 */
export async function decryptPkcs8(der: Buffer, password: string | undefined): Promise<Buffer> {
  if (password === undefined) throw noPassword();
  const info = enter(new DerReader(der));
  const algorithm = enter(info);
  return checkedPkcs8(await decrypt(algorithm, octets(info), password, new Budget()));
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
        'its cipher is not known any more; encrypt it anew (openssl pkcs8 -topk8)',
      );
    }
    throw wrongPassword();
  }
}
