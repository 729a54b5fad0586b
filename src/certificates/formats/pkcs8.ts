import { createPrivateKey } from 'node:crypto';
import { TAG, DerReader, octets } from '../der';
import { isServerKey } from '../private-key';
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
  const info = new DerReader(der).enter();
  const algorithm = info.enter();
  return checkedPkcs8(decrypt(algorithm, octets(info), password, new WorkLimit(true)));
}

/**
 * Cuts a decrypted key to its own length.
 * @throws FormatProblem where it is not PKCS#8 (wrong password), or not a key of a server
 */
export function checkedPkcs8(der: Buffer): Buffer {
  const key = cutPkcs8(der);
  if (isServerKey(key)) return key;
  throw notServers();
}

const notServers = () =>
  new FormatProblem(
    'weak_key',
    'its key is of a kind or size that no server uses; use RSA (2048 to 8192 bits), ECDSA or Ed25519',
  );

function cutPkcs8(der: Buffer): Buffer {
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

/** Longer than an RSA key of 8,192 bits. */
const MAX_LEGACY_LENGTH = 16 * 1024;

/**
 * Decrypts a PEM key in OpenSSL's old format, `Proc-Type: 4,ENCRYPTED`; one round of MD5, so it is quick.
 * @returns PEM
 * @throws FormatProblem
 */
export function decryptLegacyPem(text: string, password: string | undefined): string {
  if (!/^-----BEGIN (RSA|EC) PRIVATE KEY-/.test(text) || text.length > MAX_LEGACY_LENGTH) throw notServers();
  if (password === undefined) throw noPassword();
  try {
    const key = createPrivateKey({ key: text, format: 'pem', passphrase: password });
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (error) {
    // Node's OpenSSL lacks the oldest ciphers. Its message is left out, since it may quote.
    if ((error as NodeJS.ErrnoException).code === 'ERR_OSSL_EVP_UNSUPPORTED') {
      throw new FormatProblem(
        'unsupported_format',
        'its cipher (single DES, say) is one that OpenSSL no longer supports; encrypt it again (openssl pkcs8 -provider legacy -provider default -in OLD -topk8 -out NEW)',
      );
    }
    throw wrongPassword();
  }
}
