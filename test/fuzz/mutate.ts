/** Numbers from 0 to below 1, the same for a seed (mulberry32). */
export type Random = () => number;

export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Lengths, tags and numbers on which parsers have stumbled before. */
const AWKWARD = [
  '00',
  'ff',
  '80',
  '30',
  '3080',
  '0000',
  '84ffffffff',
  '847fffffff',
  '83ffffff',
  '02047fffffff',
  '0400',
  '3000',
];

const MAX_LENGTH = 64 * 1024;

/** A few changes of a file, by chance. @param other what pieces may come from */
export function mutate(bytes: Buffer, other: Buffer, random: Random): Buffer {
  const upTo = (limit: number) => Math.floor(random() * limit);
  let result = Buffer.from(bytes);
  for (let left = 1 + upTo(6); left > 0; left--) {
    const at = upTo(result.length + 1);
    const length = upTo(Math.min(64, result.length - at + 1));
    const [before, after] = [result.subarray(0, at), result.subarray(at)];
    switch (upTo(7)) {
      case 0:
        if (at < result.length) result[at] = (result[at] ?? 0) ^ (1 << upTo(8));
        break;
      case 1:
        if (at < result.length) result[at] = upTo(256);
        break;
      case 2:
        result.write(
          AWKWARD[upTo(AWKWARD.length)] ?? '',
          Math.min(at, Math.max(0, result.length - 1)),
          'hex',
        );
        break;
      case 3:
        result = Buffer.concat([before, after.subarray(length)]);
        break;
      case 4:
        result = Buffer.concat([before, after.subarray(0, length), after]);
        break;
      case 5: {
        const from = upTo(other.length);
        result = Buffer.concat([before, other.subarray(from, from + length), after]);
        break;
      }
      default:
        // Cut off, but not always: most changes are to be read to the end.
        if (random() < 0.2) result = Buffer.from(before);
    }
  }
  return result.subarray(0, MAX_LENGTH);
}
