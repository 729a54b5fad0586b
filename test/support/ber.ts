/** Bit 6 of a tag: what is inside are values again. */
const CONSTRUCTED = 0x20;
const OCTET_STRING = 0x04;
const PIECE = 700;

/** DER with every length left open and long OCTET STRINGs in pieces, as Windows and NSS write files. */
export function toBer(der: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < der.length;) {
    const { tag, start, end } = valueAt(der, at);
    const content = der.subarray(start, end);
    if ((tag & CONSTRUCTED) !== 0) parts.push(open(tag, toBer(content)));
    else if (tag === OCTET_STRING && content.length > PIECE) {
      const pieces = Array.from({ length: Math.ceil(content.length / PIECE) }, (_, index) =>
        definite(OCTET_STRING, content.subarray(index * PIECE, (index + 1) * PIECE)),
      );
      parts.push(open(OCTET_STRING | CONSTRUCTED, Buffer.concat(pieces)));
    } else parts.push(der.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

/** Finds the DER value at an offset. */
export function valueAt(der: Buffer, at: number): { tag: number; start: number; end: number } {
  const tag = der[at] ?? 0;
  const octet = der[at + 1] ?? 0;
  if (octet < 0x80) return { tag, start: at + 2, end: at + 2 + octet };
  const count = octet & 0x7f;
  const start = at + 2 + count;
  return { tag, start, end: start + der.readUIntBE(at + 2, count) };
}

/** One value with a length of three octets. */
export function definite(tag: number, content: Buffer): Buffer {
  const header = Buffer.from([tag, 0x83, 0, 0, 0]);
  header.writeUIntBE(content.length, 2, 3);
  return Buffer.concat([header, content]);
}

const open = (tag: number, content: Buffer) =>
  Buffer.concat([Buffer.from([tag, 0x80]), content, Buffer.from([0, 0])]);
