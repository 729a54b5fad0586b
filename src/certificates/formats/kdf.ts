import * as crypto from 'node:crypto';

/** Purposes of a derived key (RFC 7292, B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

interface Pkcs12Derivation {
  /** Node's name of the digest algorithm. */
  digest: string;
  /** `bmpString` of the password, or no octets. */
  password: Buffer;
  salt: Buffer;
  iterations: number;
  purpose: (typeof PURPOSE)[keyof typeof PURPOSE];
  length: number;
}

/** PKCS#12's own key derivation (RFC 7292, appendix B.2), which Node does not offer. */
export function derivePkcs12(options: Pkcs12Derivation): Buffer {
  const { digest, password, salt, iterations, purpose, length } = options;
  const block = digest === 'sha384' || digest === 'sha512' ? 128 : 64;
  const input = Buffer.concat([repeated(salt, block), repeated(password, block)]);
  const diversifier = Buffer.alloc(block, purpose);
  const parts: Buffer[] = [];
  for (let have = 0; have < length;) {
    let hash = crypto.hash(digest, Buffer.concat([diversifier, input]), 'buffer');
    for (let round = 1; round < iterations; round++) hash = crypto.hash(digest, hash, 'buffer');
    parts.push(hash);
    have += hash.length;
    addToEach(input, repeated(hash, block).subarray(0, block));
  }
  return Buffer.concat(parts).subarray(0, length);
}

/** UTF-16BE with a final null character: the form in which PKCS#12 hashes a password. */
export function bmpString(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16();
}

/** Repeats the octets until they fill whole blocks. */
function repeated(bytes: Buffer, block: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
}

/** Adds the addend plus one to every block of the input, modulo 2^(8·block). */
function addToEach(input: Buffer, addend: Buffer): void {
  for (let start = 0; start < input.length; start += addend.length) {
    let carry = 1;
    for (let at = addend.length - 1; at >= 0; at--) {
      const sum = (input[start + at] as number) + (addend[at] as number) + carry;
      input[start + at] = sum & 0xff;
      carry = sum >> 8;
    }
  }
}
