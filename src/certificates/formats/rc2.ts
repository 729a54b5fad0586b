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
  let [p0, p1, p2, p3] = wordsAt(iv, 0);
  for (let at = 0; at < data.length; at += 8) {
    const block = wordsAt(data, at);
    const [r0, r1, r2, r3] = decryptBlock(words, block);
    plain.writeUInt16LE(r0 ^ p0, at);
    plain.writeUInt16LE(r1 ^ p1, at + 2);
    plain.writeUInt16LE(r2 ^ p2, at + 4);
    plain.writeUInt16LE(r3 ^ p3, at + 6);
    [p0, p1, p2, p3] = block;
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

type Block = readonly [number, number, number, number];

const wordsAt = (data: Buffer, at: number): Block => [
  data.readUInt16LE(at),
  data.readUInt16LE(at + 2),
  data.readUInt16LE(at + 4),
  data.readUInt16LE(at + 6),
];

/** Written out: loops, and a function for each word, took most of the time that a file costs. */
function decryptBlock(words: Uint16Array, [a, b, c, d]: Block): Block {
  let [r0, r1, r2, r3] = [a, b, c, d];
  for (let at = 60; at >= 0; at -= 4) {
    r3 = (((r3 >>> 5) | (r3 << 11)) - (words[at + 3] as number) - (r2 & r1) - (~r2 & r0)) & 0xffff;
    r2 = (((r2 >>> 3) | (r2 << 13)) - (words[at + 2] as number) - (r1 & r0) - (~r1 & r3)) & 0xffff;
    r1 = (((r1 >>> 2) | (r1 << 14)) - (words[at + 1] as number) - (r0 & r3) - (~r0 & r2)) & 0xffff;
    r0 = (((r0 >>> 1) | (r0 << 15)) - (words[at] as number) - (r3 & r2) - (~r3 & r1)) & 0xffff;
    // The mashing rounds follow the fifth and the eleventh.
    if (at !== 20 && at !== 44) continue;
    r3 = (r3 - (words[r2 & 63] as number)) & 0xffff;
    r2 = (r2 - (words[r1 & 63] as number)) & 0xffff;
    r1 = (r1 - (words[r0 & 63] as number)) & 0xffff;
    r0 = (r0 - (words[r3 & 63] as number)) & 0xffff;
  }
  return [r0, r1, r2, r3];
}
