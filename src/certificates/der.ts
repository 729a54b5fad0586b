/** ASN.1 tags, as encoded. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectId: 0x06,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  octetStrings: 0x24,
  context0: 0xa0,
  context0Primitive: 0x80,
} as const;

/** A DER value: its tag and the position of its content. */
export interface DerValue {
  tag: number;
  start: number;
  end: number;
}

/**
 * Reads DER (X.690) value by value. Only what an X.509 certificate needs: one-byte tags, definite lengths.
 * @throws RangeError where the bytes are not DER
 */
export class DerReader {
  constructor(
    readonly bytes: Buffer,
    private at = 0,
    private end = bytes.length,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  /** Position of the next value in `bytes`. */
  get position(): number {
    return this.at;
  }

  /** Bounds of the content of the value that was read last. */
  start = 0;
  stop = 0;

  /**
   * Reads the next value, which must have `tag` where one is given, into `start` and `stop`. Unlike `next` it makes no
   * object for each value.
   * @returns its tag
   */
  read(tag?: number): number {
    const { bytes, end } = this;
    let at = this.at;
    if (at + 2 > end) throw new RangeError('DER: cut off');
    const found = bytes[at] as number;
    if (tag !== undefined && found !== tag)
      throw new RangeError(`DER: tag ${found} where ${tag} was expected`);
    let length = bytes[at + 1] as number;
    at += 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4) throw new RangeError('DER: unusable length');
      if (at + octets > end) throw new RangeError('DER: cut off');
      length = 0;
      for (const stop = at + octets; at < stop; at++) length = length * 256 + (bytes[at] as number);
    }
    if (at + length > end) throw new RangeError('DER: cut off');
    this.start = at;
    this.stop = at + length;
    this.at = this.stop;
    return found;
  }

  /** Reads the next value, and returns a reader of its content. */
  enter(tag: number = TAG.sequence): DerReader {
    this.read(tag);
    return new DerReader(this.bytes, this.start, this.stop);
  }

  /** Continues with the content of the value that another reader of the same bytes read last. */
  moveTo({ start, stop }: DerReader): void {
    this.at = start;
    this.end = stop;
  }

  /** Whether the next value has this tag. */
  isNext(tag: number): boolean {
    return !this.done && this.bytes[this.at] === tag;
  }

  /** The next value, which must have `tag` where one is given. */
  next(tag?: number): DerValue {
    const found = this.read(tag);
    return { tag: found, start: this.start, end: this.stop };
  }

  /** The next value if it has `tag`; else null and nothing is consumed. */
  optional(tag: number): DerValue | null {
    return this.isNext(tag) ? this.next() : null;
  }

  /** A reader of the content of a constructed value. */
  inside(value: DerValue): DerReader {
    return new DerReader(this.bytes, value.start, value.end);
  }

  /** Everything that is left. */
  rest(): Buffer {
    return this.bytes.subarray(this.at, this.end);
  }

  content(value: DerValue): Buffer {
    return this.bytes.subarray(value.start, value.end);
  }

  /** The content with one character for each octet: comparable, and usable as a key of maps. */
  text(value: DerValue): string {
    return this.bytes.toString('latin1', value.start, value.end);
  }

  /** The same of the value that was read last. */
  lastText(): string {
    return this.bytes.toString('latin1', this.start, this.stop);
  }
}

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

/**
 * An OCTET STRING, whole or in pieces.
 * @param tag its tag where it is implicit
 */
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

/** The content of an object identifier in dotted form, as `DerReader.text` returns it. */
export function objectId(dotted: string): string {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const octets = [first * 40 + second, ...rest].flatMap((value) => {
    const groups = [value & 0x7f];
    for (let left = value >>> 7; left > 0; left >>>= 7) groups.unshift((left & 0x7f) | 0x80);
    return groups;
  });
  return String.fromCharCode(...octets);
}

/** The dotted form of an object identifier, for people. */
export function dotted(id: string): string {
  const values: number[] = [];
  let value = 0;
  for (let at = 0; at < id.length; at++) {
    const octet = id.charCodeAt(at);
    value = value * 128 + (octet & 0x7f);
    if (octet >= 0x80) continue;
    if (values.length === 0) {
      const first = Math.min(2, Math.floor(value / 40));
      values.push(first, value - first * 40);
    } else values.push(value);
    value = 0;
  }
  return values.slice(0, 32).join('.');
}
