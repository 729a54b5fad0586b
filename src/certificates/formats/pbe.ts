import * as crypto from 'node:crypto';
import { TAG, integer, objectId, octets, type DerReader } from '../der';
import { bmpString, derivePkcs12, PURPOSE } from './kdf';
import { FormatProblem, unknownScheme, wrongPassword } from './parsed-file';
import { decryptRc2 } from './rc2';
import type { WorkLimit } from './work';

const PBES2 = objectId('1.2.840.113549.1.5.13');
const PBKDF2 = objectId('1.2.840.113549.1.5.12');
const SCRYPT = objectId('1.3.6.1.4.1.11591.4.11');

const SINGLE_DES = objectId('1.3.14.3.2.7');

const SHA1_LENGTH = 20;
const SHA1 = { name: 'sha1', length: SHA1_LENGTH };

/** HMACs of PBKDF2: Node's name and the length in octets. */
export const HMACS: ReadonlyMap<string, { name: string; length: number }> = new Map([
  [objectId('1.2.840.113549.2.7'), SHA1],
  [objectId('1.2.840.113549.2.8'), { name: 'sha224', length: 28 }],
  [objectId('1.2.840.113549.2.9'), { name: 'sha256', length: 32 }],
  [objectId('1.2.840.113549.2.10'), { name: 'sha384', length: 48 }],
  [objectId('1.2.840.113549.2.11'), { name: 'sha512', length: 64 }],
]);

/** Ciphers of PBES2, all with an initialization vector of one block. */
const CIPHERS = new Map([
  [objectId('2.16.840.1.101.3.4.1.2'), { name: 'aes-128-cbc', length: 16 }],
  [objectId('2.16.840.1.101.3.4.1.22'), { name: 'aes-192-cbc', length: 24 }],
  [objectId('2.16.840.1.101.3.4.1.42'), { name: 'aes-256-cbc', length: 32 }],
  [objectId('1.2.840.113549.3.7'), { name: 'des-ede3-cbc', length: 24 }],
]);

/** PKCS#12's own schemes (RFC 7292, appendix C), all with SHA-1. */
const PKCS12_SCHEMES = new Map([
  [objectId('1.2.840.113549.1.12.1.3'), { cipher: '3des', length: 24 }],
  [objectId('1.2.840.113549.1.12.1.4'), { cipher: '3des', length: 16 }],
  [objectId('1.2.840.113549.1.12.1.5'), { cipher: 'rc2', length: 16 }],
  [objectId('1.2.840.113549.1.12.1.6'), { cipher: 'rc2', length: 5 }],
]);

/** PKCS#5 v1.5 (RFC 8018, A.3), with MD2, MD5 or SHA-1 and single DES or RC2 (docs/decisions/0110). */
const GIVEN_UP = new Set([1, 3, 4, 6, 10, 11].map((scheme) => objectId(`1.2.840.113549.1.5.${scheme}`)));

/**
 * Decrypts what was encrypted with a password (PKCS#5, PKCS#12). The result may be garbage where the password is
 * wrong: padding fits by chance once in 256 times.
 * @param algorithm content of the AlgorithmIdentifier
 * @throws FormatProblem (wrong password, a scheme that is not known, too many iterations), RangeError
 */
export function decrypt(algorithm: DerReader, data: Buffer, password: string, work: WorkLimit): Buffer {
  const id = algorithm.text(algorithm.next(TAG.objectId));
  if (GIVEN_UP.has(id)) throw givenUp();
  const parameters = algorithm.enter();
  work.octets(data.length);
  if (id === PBES2) return decryptPbes2(parameters, data, password, work);
  const salt = octets(parameters);
  const iterations = integer(parameters);
  const scheme = PKCS12_SCHEMES.get(id);
  if (scheme === undefined) throw unknownScheme();
  // Each block of SHA-1 costs all iterations: the blocks of the key, and one for the vector.
  work.iterations(iterations * (Math.ceil(scheme.length / SHA1_LENGTH) + 1));
  const derive = (purpose: 1 | 2, length: number) =>
    derivePkcs12({ digest: 'sha1', password: bmpString(password), salt, iterations, purpose, length });
  const [key, iv] = [derive(PURPOSE.key, scheme.length), derive(PURPOSE.iv, 8)];
  if (scheme.cipher === '3des') return decipher('des-ede3-cbc', tripleKey(key), iv, data);
  const plain = decryptRc2(key, iv, data);
  if (plain === null) throw wrongPassword();
  return plain;
}

/** With two keys the first comes again as the third. */
const tripleKey = (key: Buffer) => (key.length === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]));

function decryptPbes2(parameters: DerReader, data: Buffer, password: string, work: WorkLimit): Buffer {
  const derivation = parameters.enter();
  const encryption = parameters.enter();
  const id = encryption.text(encryption.next(TAG.objectId));
  if (id === SINGLE_DES) throw givenUp();
  const cipher = CIPHERS.get(id);
  if (cipher === undefined) throw unknownScheme();
  const iv = octets(encryption);
  if (iv.length !== (cipher.name === 'des-ede3-cbc' ? 8 : 16))
    throw new RangeError('DER: a vector of a wrong length');
  return decipher(cipher.name, deriveKey(derivation, cipher.length, password, work), iv, data);
}

/** A key by PBKDF2 or scrypt. @param derivation content of the AlgorithmIdentifier */
export function deriveKey(derivation: DerReader, length: number, password: string, work: WorkLimit): Buffer {
  const id = derivation.text(derivation.next(TAG.objectId));
  const parameters = derivation.enter();
  const salt = octets(parameters);
  const cost = integer(parameters);
  if (id === SCRYPT) {
    const [r, p] = [integer(parameters), integer(parameters)];
    work.scrypt(cost, r, p);
    const options = { N: cost, r, p, maxmem: 256 * cost * r + 1024 * r * p };
    return crypto.scryptSync(password, salt, length, options);
  }
  if (id !== PBKDF2) throw unknownScheme();
  // The key length, which the cipher determines anyway.
  parameters.optional(TAG.integer);
  const hmac = parameters.done ? SHA1 : HMACS.get(hmacId(parameters.enter()));
  if (hmac === undefined) throw unknownScheme();
  work.iterations(cost * Math.ceil(length / hmac.length));
  return crypto.pbkdf2Sync(password, salt, cost, length, hmac.name);
}

const hmacId = (reader: DerReader) => reader.text(reader.next(TAG.objectId));

function decipher(name: string, key: Buffer, iv: Buffer, data: Buffer): Buffer {
  try {
    const cipher = crypto.createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    // Wrong padding, or a missing piece.
    throw wrongPassword();
  }
}

const givenUp = (): FormatProblem =>
  new FormatProblem(
    'unsupported_format',
    'it is encrypted with a cipher of the 1990s (single DES, or RC2 with MD5) that OpenSSL no longer supports; encrypt it again (openssl pkcs8 -provider legacy -provider default -in OLD -topk8 -v2 aes-256-cbc -out NEW)',
  );
