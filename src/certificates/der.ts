/** A DER value: where its content stands in the buffer. */
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
    readonly bytes: Uint8Array,
    private at = 0,
    private readonly end = bytes.length,
  ) {}

  get done(): boolean {
    return this.at >= this.end;
  }

  /** The next value, which must have `tag` where one is given. */
  next(tag?: number): DerValue {
    const found = this.byte();
    if (tag !== undefined && found !== tag)
      throw new RangeError(`DER: tag ${found} where ${tag} was expected`);
    let length = this.byte();
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (octets === 0 || octets > 4) throw new RangeError('DER: unusable length');
      length = 0;
      for (let i = 0; i < octets; i++) length = length * 256 + this.byte();
    }
    const start = this.at;
    if (start + length > this.end) throw new RangeError('DER: cut off');
    this.at = start + length;
    return { tag: found, start, end: this.at };
  }

  /** The next value if it has `tag`; else null and nothing is consumed. */
  optional(tag: number): DerValue | null {
    return !this.done && this.bytes[this.at] === tag ? this.next() : null;
  }

  /** A reader of what is inside a constructed value. */
  inside(value: DerValue): DerReader {
    return new DerReader(this.bytes, value.start, value.end);
  }

  content(value: DerValue): Uint8Array {
    return this.bytes.subarray(value.start, value.end);
  }

  text(value: DerValue): string {
    return Buffer.from(
      this.bytes.buffer,
      this.bytes.byteOffset + value.start,
      value.end - value.start,
    ).toString('latin1');
  }

  private byte(): number {
    const value = this.at < this.end ? this.bytes[this.at] : undefined;
    if (value === undefined) throw new RangeError('DER: cut off');
    this.at += 1;
    return value;
  }
}

/** Dotted form of an object identifier's content. */
export function objectId(content: Uint8Array): string {
  const parts: number[] = [];
  let value = 0;
  for (const byte of content) {
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      if (parts.length === 0) {
        const first = Math.min(2, Math.floor(value / 40));
        parts.push(first, value - first * 40);
      } else parts.push(value);
      value = 0;
    }
  }
  return parts.join('.');
}
