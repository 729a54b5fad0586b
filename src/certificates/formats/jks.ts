import { createHash, hash as digest } from 'node:crypto';
import { TAG, DerReader, objectId, octets } from '../der';
import { encodePem } from '../pem';
import { choose } from './keystore';
import {
  addCertificate,
  FormatProblem,
  noPassword,
  wrongPassword,
  type ParsedFile,
  type Unlock,
} from './parsed-file';
import { checkedPkcs8 } from './pkcs8';
import { WorkLimit } from './work';

/** Salt of the store's own digest. */
const SALT = 'Mighty Aphrodite';
const SHA1_LENGTH = 20;
/** Sun's own algorithm to encrypt a key. */
const KEY_PROTECTOR = objectId('1.3.6.1.4.1.42.2.17.1.1');

const KEY_ENTRY = 1;
const TRUSTED_ENTRY = 2;

interface KeyEntry {
  alias: string;
  protectedKey: Buffer;
  chain: Buffer[];
}

/**
 * Reads a Java keystore of the old kind (JKS), which keytool wrote by default before Java 9.
 * @throws FormatProblem, RangeError where it is cut off
 */
export function readJks(bytes: Buffer, { password, alias }: Unlock): ParsedFile {
  const work = new WorkLimit(password !== undefined);
  const end = bytes.length - SHA1_LENGTH;
  const reader = new JksReader(bytes, end);
  reader.skip(4);
  const version = reader.uint32();
  if (version !== 1 && version !== 2)
    throw new FormatProblem('unsupported_format', `version ${version} of it is unknown`);
  const entries: KeyEntry[] = [];
  for (let left = reader.uint32(); left > 0; left--) {
    work.values(1);
    const entry = readEntry(reader, version);
    if (entry !== null) entries.push(entry);
  }
  if (!reader.done) throw new RangeError('JKS: something follows the entries');
  const entry = choose(entries, alias);
  if (password === undefined) throw noPassword();
  const secret = Buffer.from(password, 'utf16le').swap16();
  const sum = createHash('sha1').update(secret).update(SALT).update(bytes.subarray(0, end)).digest();
  if (!sum.equals(bytes.subarray(end))) throw wrongPassword();
  return { certificates: entry.chain, key: encodePem('PRIVATE KEY', unprotect(entry.protectedKey, secret)) };
}

/** @returns null for a trusted certificate, which is not served */
function readEntry(reader: JksReader, version: number): KeyEntry | null {
  const kind = reader.uint32();
  const alias = reader.text();
  // Skips the creation time.
  reader.skip(8);
  const certificate = () => {
    if (version === 2) reader.text();
    return reader.bytes(reader.uint32());
  };
  if (kind === TRUSTED_ENTRY) {
    certificate();
    return null;
  }
  if (kind !== KEY_ENTRY) throw new RangeError('JKS: an entry of an unknown kind');
  const protectedKey = reader.bytes(reader.uint32());
  const chain: Buffer[] = [];
  for (let left = reader.uint32(); left > 0; left--) addCertificate(chain, certificate());
  return { alias, protectedKey, chain };
}

/**
 * Decrypts a key: a stream of SHA-1 digests, each over the password and the digest before, then a digest over
 * password and key as a check.
 */
function unprotect(der: Buffer, secret: Buffer): Buffer {
  const info = new DerReader(der).enter();
  const algorithm = info.enter();
  if (algorithm.text(algorithm.next(TAG.objectId)) !== KEY_PROTECTOR) {
    throw new FormatProblem(
      'unsupported_format',
      'its key is not protected the way keytool does it; convert it to PKCS#12',
    );
  }
  const data = octets(info);
  const end = data.length - SHA1_LENGTH;
  if (end < SHA1_LENGTH) throw new RangeError('JKS: the key is cut off');
  let state = data.subarray(0, SHA1_LENGTH);
  const plain = Buffer.from(data.subarray(SHA1_LENGTH, end));
  for (let at = 0; at < plain.length; at++) {
    if (at % SHA1_LENGTH === 0) state = digest('sha1', Buffer.concat([secret, state]), 'buffer');
    plain[at] = (plain[at] as number) ^ (state[at % SHA1_LENGTH] as number);
  }
  // The store's digest fitted, so this key has a password of its own.
  if (!digest('sha1', Buffer.concat([secret, plain]), 'buffer').equals(data.subarray(end))) {
    throw new FormatProblem(
      'encrypted_key',
      'its key has another password than the store; give both the same (keytool -keypasswd)',
    );
  }
  return checkedPkcs8(plain);
}

/** Reads big-endian numbers and length-prefixed pieces. */
class JksReader {
  #at = 0;

  constructor(
    private readonly data: Buffer,
    private readonly end: number,
  ) {}

  get done(): boolean {
    return this.#at === this.end;
  }

  skip(length: number): void {
    this.bytes(length);
  }

  uint32(): number {
    return this.bytes(4).readUInt32BE();
  }

  /** Java's modified UTF-8; its differences (null, emoji) do not matter for names. */
  text(): string {
    return this.bytes(this.bytes(2).readUInt16BE()).toString('utf8');
  }

  bytes(length: number): Buffer {
    const start = this.#at;
    if (start + length > this.end) throw new RangeError('JKS: cut off');
    this.#at = start + length;
    return this.data.subarray(start, this.#at);
  }
}
