import * as crypto from 'node:crypto';
import { promisify } from 'node:util';
import { TAG, objectId, type DerReader } from '../der';
import type { Budget } from './budget';
import { bmpString, derivePkcs12, PURPOSE, rehash } from './kdf';
import { FormatProblem, wrongPassword } from './problem';
import { decryptRc2 } from './rc2';
import { enter, integer, octets } from './values';

const pbkdf2 = promisify(crypto.pbkdf2);
const scrypt = promisify<crypto.BinaryLike, crypto.BinaryLike, number, crypto.ScryptOptions, Buffer>(
  crypto.scrypt,
);

const PBES2 = objectId('1.2.840.113549.1.5.13');
const PBKDF2 = objectId('1.2.840.113549.1.5.12');
const SCRYPT = objectId('1.3.6.1.4.1.11591.4.11');

const SHA1_LENGTH = 20;
const SHA1 = { name: 'sha1', length: SHA1_LENGTH };

/** HMACs of PBKDF2: Node's name of the digest, and its octets. */
export const HMACS: ReadonlyMap<string, { name: string; length: number }> = new Map([
  [objectId('1.2.840.113549.2.7'), SHA1],
  [objectId('1.2.840.113549.2.8'), { name: 'sha224', length: 28 }],
  [objectId('1.2.840.113549.2.9'), { name: 'sha256', length: 32 }],
  [objectId('1.2.840.113549.2.10'), { name: 'sha384', length: 48 }],
  [objectId('1.2.840.113549.2.11'), { name: 'sha512', length: 64 }],
]);

/** Ciphers of PBES2, all with a vector of one block. */
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

/** PKCS#5 v1.5 with DES (RFC 8018, A.3): what OpenSSL wrote for keys before 1.1. */
const DES_SCHEMES = new Map([
  [objectId('1.2.840.113549.1.5.3'), 'md5'],
  [objectId('1.2.840.113549.1.5.10'), 'sha1'],
]);

/**
 * Decrypts what was encrypted with a password (PKCS#5, PKCS#12). The result may be garbage where the password is
 * wrong: padding fits by chance once in 256 times.
 * @param algorithm content of the AlgorithmIdentifier
 * @throws FormatProblem (wrong password, a scheme that is not known, too many iterations), RangeError
 */
export async function decrypt(
  algorithm: DerReader,
  data: Buffer,
  password: string,
  budget: Budget,
): Promise<Buffer> {
  const id = algorithm.text(algorithm.next(TAG.objectId));
  const parameters = enter(algorithm);
  if (id === PBES2) return decryptPbes2(parameters, data, password, budget);
  const salt = octets(parameters);
  const iterations = integer(parameters);
  const digest = DES_SCHEMES.get(id);
  if (digest !== undefined) {
    budget.charge(iterations);
    return decryptDes(digest, Buffer.concat([Buffer.from(password), salt]), iterations, data);
  }
  const scheme = PKCS12_SCHEMES.get(id);
  if (scheme === undefined) throw unknownScheme();
  // Each block of SHA-1 costs all iterations: those of the key, and one for the vector.
  budget.charge(iterations * (Math.ceil(scheme.length / SHA1_LENGTH) + 1));
  const derive = (purpose: 1 | 2, length: number) =>
    derivePkcs12({ digest: 'sha1', password: bmpString(password), salt, iterations, purpose, length });
  const [key, iv] = [await derive(PURPOSE.key, scheme.length), await derive(PURPOSE.iv, 8)];
  if (scheme.cipher === 'rc2') return decryptRc2(key, iv, data);
  // With two keys the first comes again as the third.
  const three = key.length === 24 ? key : Buffer.concat([key, key.subarray(0, 8)]);
  return decipher('des-ede3-cbc', three, iv, data);
}

async function decryptPbes2(
  parameters: DerReader,
  data: Buffer,
  password: string,
  budget: Budget,
): Promise<Buffer> {
  const derivation = enter(parameters);
  const encryption = enter(parameters);
  const cipher = CIPHERS.get(encryption.text(encryption.next(TAG.objectId)));
  if (cipher === undefined) throw unknownScheme();
  const iv = octets(encryption);
  if (iv.length !== (cipher.name === 'des-ede3-cbc' ? 8 : 16))
    throw new RangeError('DER: a vector of a wrong length');
  return decipher(cipher.name, await deriveKey(derivation, cipher.length, password, budget), iv, data);
}

/** A key by PBKDF2 or scrypt. @param derivation content of the AlgorithmIdentifier */
export async function deriveKey(
  derivation: DerReader,
  length: number,
  password: string,
  budget: Budget,
): Promise<Buffer> {
  const id = derivation.text(derivation.next(TAG.objectId));
  const parameters = enter(derivation);
  const salt = octets(parameters);
  const cost = integer(parameters);
  if (id === SCRYPT) {
    const [r, p] = [integer(parameters), integer(parameters)];
    budget.chargeScrypt(cost, r, p);
    return scrypt(password, salt, length, { N: cost, r, p, maxmem: 256 * cost * r + 1024 * r * p });
  }
  if (id !== PBKDF2) throw unknownScheme();
  // The key's length, which the cipher tells anyway.
  parameters.optional(TAG.integer);
  const hmac = parameters.done ? SHA1 : HMACS.get(hmacId(enter(parameters)));
  if (hmac === undefined) throw unknownScheme();
  budget.charge(cost * Math.ceil(length / hmac.length));
  return pbkdf2(password, salt, cost, length, hmac.name);
}

const hmacId = (reader: DerReader) => reader.text(reader.next(TAG.objectId));

/** DES is what triple DES does with three times the same key; Node's OpenSSL has DES alone no more. */
async function decryptDes(digest: string, input: Buffer, iterations: number, data: Buffer): Promise<Buffer> {
  const hash = await rehash(digest, input, iterations);
  const key = hash.subarray(0, 8);
  return decipher('des-ede3-cbc', Buffer.concat([key, key, key]), hash.subarray(8, 16), data);
}

function decipher(name: string, key: Buffer, iv: Buffer, data: Buffer): Buffer {
  try {
    const cipher = crypto.createDecipheriv(name, key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  } catch {
    // Padding that does not fit, or a piece that is missing.
    throw wrongPassword();
  }
}

export const unknownScheme = (): FormatProblem =>
  new FormatProblem(
    'unsupported_format',
    'its encryption is of a kind that is not known here; export it anew with AES (openssl pkcs12 -export, openssl pkcs8 -topk8)',
  );
