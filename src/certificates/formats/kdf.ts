import * as crypto from 'node:crypto';

/** What a derived key is for (RFC 7292, B.3). */
export const PURPOSE = { key: 1, iv: 2, mac: 3 } as const;

export interface Pkcs12Derivation {
  /** Node's name of the digest. */
  digest: string;
  /** As octets: `bmpString` of the password, or nothing. */
  password: Buffer;
  salt: Buffer;
  iterations: number;
  purpose: (typeof PURPOSE)[keyof typeof PURPOSE];
  length: number;
}

/** PKCS#12's own way from a password to a key (RFC 7292, appendix B.2), which Node does not offer. */
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

/** UTF-16, big end first, ending in a null character: how PKCS#12 hashes a password. */
export function bmpString(password: string): Buffer {
  return Buffer.from(`${password}\0`, 'utf16le').swap16();
}

/** As often as it takes to fill whole blocks. */
function repeated(bytes: Buffer, block: number): Buffer {
  return bytes.length === 0 ? bytes : Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
}

/** Every block of the input plus the addend plus one, modulo 2^(8·block). */
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
