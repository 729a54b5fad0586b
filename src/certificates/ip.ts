/** Text of an iPAddress in a certificate: `192.0.2.7`, or IPv6 in its canonical form (RFC 5952). */
export function ipText(octets: Buffer): string {
  if (octets.length === 4) return octets.join('.');
  if (octets.length !== 16) return `?${octets.toString('hex')}`;
  const groups = Array.from({ length: 8 }, (_, index) => octets.readUInt16BE(index * 2));
  const [start, length] = longestZeros(groups);
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return length < 2 ? text(0, 8) : `${text(0, start)}::${text(start + length, 8)}`;
}

/** The first of the longest runs of zeros. */
function longestZeros(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0];
  for (let at = 0; at < 8; at++) {
    let end = at;
    while (groups[end] === 0) end++;
    if (end - at > best[1]) best = [at, end - at];
  }
  return best;
}

/** The octets of an address that `ipText` wrote; empty for one of an odd length. */
export function ipOctets(text: string): Buffer {
  if (text.includes('.')) return Buffer.from(text.split('.').map(Number));
  if (text.startsWith('?')) return Buffer.alloc(0);
  const [before = [], after = []] = text.split('::').map((half) => half.split(':').filter(Boolean));
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  const octets = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) octets.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return octets;
}
