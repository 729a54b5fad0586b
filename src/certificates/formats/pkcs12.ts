import { createHmac, createPrivateKey, createPublicKey, timingSafeEqual } from 'node:crypto';
import { TAG, DerReader, integer, objectId, octets } from '../der';
import { encodePem } from '../pem';
import { asDer } from './ber';
import { bmpString, derivePkcs12, PURPOSE } from './kdf';
import { choose, ownChain } from './keystore';
import {
  FormatProblem,
  noPassword,
  unknownScheme,
  wrongPassword,
  type ParsedFile,
  type Unlock,
} from './parsed-file';
import { decrypt, deriveKey, HMACS } from './pbe';
import { collectBags, type Bags } from './pkcs12-bags';
import { WorkLimit } from './work';

const DATA = objectId('1.2.840.113549.1.7.1');
const ENCRYPTED_DATA = objectId('1.2.840.113549.1.7.6');
const PBMAC1 = objectId('1.2.840.113549.1.5.14');
const DIGESTS = new Map([
  [objectId('1.3.14.3.2.26'), { name: 'sha1', length: 20 }],
  [objectId('2.16.840.1.101.3.4.2.4'), { name: 'sha224', length: 28 }],
  [objectId('2.16.840.1.101.3.4.2.1'), { name: 'sha256', length: 32 }],
  [objectId('2.16.840.1.101.3.4.2.2'), { name: 'sha384', length: 48 }],
  [objectId('2.16.840.1.101.3.4.2.3'), { name: 'sha512', length: 64 }],
]);

/**
 * Reads a PKCS#12 file (RFC 7292): `.p12`, `.pfx`, newer Java keystores. The MAC is checked first, which identifies
 * a wrong password.
 * @throws FormatProblem, RangeError
 */
export function readPkcs12(bytes: Buffer, { password, alias }: Unlock): ParsedFile {
  const work = new WorkLimit(password !== undefined);
  const file = new DerReader(asDer(bytes, work)).enter();
  integer(file);
  const info = file.enter();
  if (info.text(info.next(TAG.objectId)) !== DATA) {
    throw new FormatProblem(
      'unsupported_format',
      'it is protected by a public key and not by a password; export it anew with a password (openssl pkcs12 -export)',
    );
  }
  const content = octets(info.enter(TAG.context0));
  const secret = verified(file, content, password, work);
  const bags: Bags = { keys: [], certificates: [] };
  const unlock = (algorithm: DerReader, data: Buffer): Buffer => {
    try {
      return decrypt(algorithm, data, secret, work);
    } catch (error) {
      // Without a MAC the empty password was only a guess.
      if (password === undefined && error instanceof FormatProblem && error.reason === 'encrypted_key') {
        throw noPassword();
      }
      throw error;
    }
  };
  const safes = new DerReader(asDer(content, work)).enter();
  while (!safes.done) {
    const safe = safes.enter();
    const kind = safe.text(safe.next(TAG.objectId));
    const inside = safe.enter(TAG.context0);
    work.values(1);
    if (kind === DATA) collectBags(asDer(octets(inside), work), bags, unlock, work);
    else if (kind === ENCRYPTED_DATA) {
      collectBags(asDer(decryptSafe(inside.enter(), unlock), work), bags, unlock, work);
    } else throw unknownScheme();
  }
  return pick(bags, alias);
}

/**
 * Decrypts EncryptedData (RFC 5652, 8).
 * @param data its content
 */
function decryptSafe(data: DerReader, unlock: (algorithm: DerReader, data: Buffer) => Buffer): Buffer {
  integer(data);
  const encrypted = data.enter();
  encrypted.next(TAG.objectId);
  const algorithm = encrypted.enter();
  const plain = unlock(algorithm, octets(encrypted, TAG.context0Primitive, TAG.context0));
  // Without a MAC a wrong password shows here.
  if (plain[0] !== TAG.sequence) throw wrongPassword();
  return plain;
}

/**
 * Checks the MAC, if there is one.
 * @param file positioned at the MAC, behind the content that it covers
 * @returns the password to use: a missing one is the empty one, which tools encode in two ways
 */
function verified(file: DerReader, content: Buffer, password: string | undefined, work: WorkLimit): string {
  if (file.done) return password ?? '';
  const mac = file.enter();
  const digestInfo = mac.enter();
  const algorithm = digestInfo.enter();
  const id = algorithm.text(algorithm.next(TAG.objectId));
  const expected = octets(digestInfo);
  if (id === PBMAC1) {
    const parameters = algorithm.enter();
    const derivation = parameters.enter();
    const scheme = parameters.enter();
    const hmac = HMACS.get(scheme.text(scheme.next(TAG.objectId)));
    if (hmac === undefined) throw unknownScheme();
    const key = deriveKey(derivation, expected.length, password ?? '', work);
    if (isEqual(createHmac(hmac.name, key).update(content).digest(), expected)) return password ?? '';
    throw password === undefined ? noPassword() : wrongPassword();
  }
  const digest = DIGESTS.get(id);
  if (digest === undefined) throw unknownScheme();
  const salt = octets(mac);
  const iterations = mac.done ? 1 : integer(mac);
  const fits = (octetsOfPassword: Buffer) => {
    work.iterations(iterations);
    work.octets(content.length);
    const derivation = { digest: digest.name, salt, iterations, purpose: PURPOSE.mac, length: digest.length };
    const key = derivePkcs12({ ...derivation, password: octetsOfPassword });
    return isEqual(createHmac(digest.name, key).update(content).digest(), expected);
  };
  if (fits(bmpString(password ?? ''))) return password ?? '';
  if ((password ?? '') === '' && fits(Buffer.alloc(0))) return '';
  throw password === undefined ? noPassword() : wrongPassword();
}

const isEqual = (a: Buffer, b: Buffer) => a.length === b.length && timingSafeEqual(a, b);

function pick({ keys, certificates }: Bags, alias: string | undefined): ParsedFile {
  const key = choose(keys, alias);
  const ders = certificates.map(({ der }) => der);
  const own =
    certificates.find(({ id }) => key.id !== '' && id === key.id)?.der ??
    // Tools that leave the link out write a single key.
    ownOf(key.der, ders);
  return {
    certificates: own === undefined ? ders : ownChain(own, ders),
    key: encodePem('PRIVATE KEY', key.der),
  };
}

/** The certificate of a key's public half. */
function ownOf(key: Buffer, certificates: readonly Buffer[]): Buffer | undefined {
  try {
    const pair = createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }));
    const half = pair.export({ format: 'der', type: 'spki' });
    return certificates.find((der) => der.includes(half));
  } catch {
    // The gate reports what is wrong with the key.
    return undefined;
  }
}
