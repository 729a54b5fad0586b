/** The PITABLE of RFC 2268, section 2. */
const PI = Buffer.from(
  'd978f9c419ddb5ed28e9fd794aa0d89dc67e37832b76538e624c6488448bfba2' +
    '179a59f587b34f1361456d8d09817d32bd8f40eb86b77b0bf09521225c6b4e82' +
    '54d66593ce60b21c7356c014a78cf1dc1275ca1f3bbee4d1423dd430a33cb626' +
    '6fbf0eda4669075727f21d9bbc944303f811c7f690ef3ee706c3d52fc8661ed7' +
    '08e8eade8052eef784aa72ac354d6a2a961ad2715a1549744b9fd05e0418a4ec' +
    'c2e0416e0f51cbcc2491af50a1f47039997c3a8523b8b47afc02365b25559731' +
    '2d5dfa98e38a92ae05df2910676cbac9d300e6cfe19ea82c6316013f58e289a9' +
    '0d38341bab33ffb0bb480c5fb9b1cd2ec5f3db47e5a59c770aa62068fe7fc1ad',
  'hex',
);

/** Rounds that are followed by a mashing round. */
const MASHED = new Set([4, 10]);

/**
 * RC2 in CBC mode, its effective key as long as the key (RFC 2268). Windows, macOS and OpenSSL before 3.0 encrypt
 * the certificates of a PKCS#12 file with it, and Node's OpenSSL no longer has it.
 * @param data whole blocks of 8 octets
 * @returns null where the padding does not fit: the key is wrong
 */
export function decryptRc2(key: Buffer, iv: Buffer, data: Buffer): Buffer | null {
  if (data.length === 0 || data.length % 8 !== 0) return null;
  const words = expand(key);
  const plain = Buffer.alloc(data.length);
  let previous = iv;
  for (let at = 0; at < data.length; at += 8) {
    decryptBlock(words, data, plain, at);
    for (let octet = 0; octet < 8; octet++) {
      plain[at + octet] = (plain[at + octet] as number) ^ (previous[octet] as number);
    }
    previous = data.subarray(at, at + 8);
  }
  const padding = plain.at(-1) as number;
  const isPadded =
    padding >= 1 && padding <= 8 && plain.subarray(-padding).every((octet) => octet === padding);
  return isPadded ? plain.subarray(0, -padding) : null;
}

function expand(key: Buffer): Uint16Array {
  const pi = (index: number) => PI[index & 0xff] as number;
  const octets = new Uint8Array(128);
  const at = (index: number) => octets[index] as number;
  octets.set(key);
  const size = key.length;
  for (let index = size; index < 128; index++) octets[index] = pi(at(index - 1) + at(index - size));
  octets[128 - size] = pi(at(128 - size));
  for (let index = 127 - size; index >= 0; index--) octets[index] = pi(at(index + 1) ^ at(index + size));
  return Uint16Array.from({ length: 64 }, (_, index) => at(index * 2) | (at(index * 2 + 1) << 8));
}

const ROTATIONS = Buffer.of(1, 2, 3, 5);

/** Buffers are reused; nothing is allocated for each block. */
const r = new Uint16Array(4);

function decryptBlock(words: Uint16Array, data: Buffer, plain: Buffer, at: number): void {
  for (let index = 0; index < 4; index++) r[index] = data.readUInt16LE(at + index * 2);
  const word = (index: number) => r[index & 3] as number;
  for (let round = 15; round >= 0; round--) {
    for (let index = 3; index >= 0; index--) {
      const shift = ROTATIONS[index] as number;
      const rotated = (word(index) >>> shift) | (word(index) << (16 - shift));
      const before = word(index + 3);
      const mixed = (before & word(index + 2)) + (~before & word(index + 1));
      r[index] = rotated - (words[round * 4 + index] as number) - mixed;
    }
    if (!MASHED.has(round - 1)) continue;
    for (let index = 3; index >= 0; index--) {
      r[index] = word(index) - (words[word(index + 3) & 63] as number);
    }
  }
  for (let index = 0; index < 4; index++) plain.writeUInt16LE(word(index), at + index * 2);
}
