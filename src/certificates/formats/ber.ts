import { FormatProblem } from './parsed-file';
import type { WorkLimit } from './work';

/** Deeper than any real file of these formats. */
const MAX_DEPTH = 32;

const CONSTRUCTED = 0x20;

/**
 * Rewrites BER as DER: files of Windows and NSS may leave lengths open. A string in pieces stays in pieces.
 * @throws FormatProblem where it is cut off
 */
export function asDer(bytes: Buffer, work: WorkLimit): Buffer {
  if (bytes[1] !== 0x80) return bytes;
  try {
    return Buffer.concat(new BerReader(bytes, work).value(0));
  } catch (error) {
    if (error instanceof FormatProblem) throw error;
    throw new FormatProblem('incomplete', 'it is cut off or damaged; waiting until it is written whole');
  }
}

/** Yields the pieces of DER that a value is rewritten to; content is never copied. */
class BerReader {
  #at = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly work: WorkLimit,
  ) {}

  value(depth: number): Buffer[] {
    if (depth > MAX_DEPTH) throw new RangeError('BER: nested too deeply');
    this.work.values(1);
    const start = this.#at;
    const tag = this.octet();
    if ((tag & 0x1f) === 0x1f) throw new RangeError('BER: a long tag');
    const length = this.length();
    const end = length === null ? this.bytes.length : this.#at + length;
    if (end > this.bytes.length) throw new RangeError('BER: cut off');
    if ((tag & CONSTRUCTED) === 0) {
      if (length === null) throw new RangeError('BER: a primitive value of open length');
      this.#at = end;
      return [this.bytes.subarray(start, end)];
    }
    const inside: Buffer[] = [];
    while (length === null ? !this.isEnd() : this.#at < end) {
      for (const piece of this.value(depth + 1)) inside.push(piece);
    }
    if (length === null) this.#at += 2;
    else if (this.#at !== end) throw new RangeError('BER: a value goes beyond its parent');
    return [Buffer.concat([Buffer.of(tag), derLength(inside)]), ...inside];
  }

  /** Two zeros end a value of open length. */
  private isEnd(): boolean {
    return this.bytes.readUInt16BE(this.#at) === 0;
  }

  /** @returns null for an open length */
  private length(): number | null {
    const first = this.octet();
    if (first === 0x80) return null;
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count > 4) throw new RangeError('BER: unusable length');
    let length = 0;
    for (let left = count; left > 0; left--) length = length * 256 + this.octet();
    return length;
  }

  private octet(): number {
    return this.bytes.readUInt8(this.#at++);
  }
}

function derLength(inside: readonly Buffer[]): Buffer {
  const length = inside.reduce((sum, piece) => sum + piece.length, 0);
  if (length < 0x80) return Buffer.of(length);
  const octets = Buffer.alloc(5);
  octets.writeUInt32BE(length, 1);
  const from = length < 0x100 ? 4 : length < 0x1_0000 ? 3 : length < 0x100_0000 ? 2 : 1;
  octets[from - 1] = 0x80 | (5 - from);
  return octets.subarray(from - 1);
}
