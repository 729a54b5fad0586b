import { TAG, type DerReader } from '../der';

/** Reader of the content of the next value, which must be a SEQUENCE (or have another `tag`). */
export const enter = (reader: DerReader, tag: number = TAG.sequence): DerReader =>
  reader.inside(reader.next(tag));

/** A small non-negative INTEGER. @throws RangeError where it does not fit into 48 bits */
export function integer(reader: DerReader): number {
  const bytes = reader.content(reader.next(TAG.integer));
  if (
    bytes.length === 0 ||
    bytes.length > 7 ||
    (bytes[0] as number) > 0x7f ||
    (bytes.length === 7 && bytes[0] !== 0)
  )
    throw new RangeError('DER: not a small number');
  return bytes.readUIntBE(bytes.length === 7 ? 1 : 0, Math.min(bytes.length, 6));
}

/** An OCTET STRING, whole or in pieces (`tag`: what it is written with where it is implicit). */
export function octets(
  reader: DerReader,
  whole: number = TAG.octetString,
  pieces: number = TAG.octetStrings,
): Buffer {
  const value = reader.next();
  if (value.tag === whole) return reader.content(value);
  if (value.tag !== pieces) throw new RangeError(`DER: tag ${value.tag} where octets were expected`);
  const parts = reader.inside(value);
  const found: Buffer[] = [];
  while (!parts.done) found.push(parts.content(parts.next(TAG.octetString)));
  return Buffer.concat(found);
}
