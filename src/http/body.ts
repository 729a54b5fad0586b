import type { IncomingMessage } from 'node:http';
import { HttpFailure, noAnswerWithin, toHttpFailure, tooLarge } from './failure';

/** A buffer of one octet costs 200: an answer that comes in such pieces is packed. */
const SMALL_BYTES = 4 * 1024;
const PACK_BYTES = 64 * 1024;
const FEW = 8;

/** Octets that come in pieces, in no more memory than about twice their number. */
class Octets {
  size = 0;
  #pieces: Buffer[] = [];
  #pack: Buffer | null = null;
  #packed = 0;

  add(piece: Buffer): void {
    this.size += piece.length;
    if (piece.length >= SMALL_BYTES || this.#pieces.length < FEW) {
      this.flush();
      this.#pieces.push(piece);
      return;
    }
    if (this.#packed + piece.length > PACK_BYTES) this.flush();
    this.#pack ??= Buffer.allocUnsafeSlow(PACK_BYTES);
    this.#packed += piece.copy(this.#pack, this.#packed);
  }

  /** All of them; it begins anew. */
  take(): Buffer {
    this.flush();
    const [first, ...others] = this.#pieces;
    const all = first !== undefined && others.length === 0 ? first : Buffer.concat(this.#pieces, this.size);
    this.#pieces = [];
    this.size = 0;
    return all;
  }

  private flush(): void {
    if (this.#pack === null) return;
    // Copied where little of it is used: a large piece may follow each small one.
    const used = this.#pack.subarray(0, this.#packed);
    this.#pieces.push(this.#packed < PACK_BYTES / 2 ? Buffer.from(used) : used);
    this.#pack = null;
    this.#packed = 0;
  }
}

/** @throws HttpFailure when it is cut off, or has more octets than `maxBytes`, of which no more are read */
export function readBody(response: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const octets = new Octets();
    const end = () => {
      reject(tooLarge(maxBytes));
      response.destroy();
    };
    if (Number(response.headers['content-length'] ?? 0) > maxBytes) {
      end();
      return;
    }
    response.on('data', (chunk: Buffer) => {
      octets.add(chunk);
      if (octets.size > maxBytes) end();
    });
    response.on('error', (error) => reject(toHttpFailure(error)));
    response.on('end', () => resolve(octets.take()));
  });
}

export interface LineLimits {
  /** Octets of one line. */
  maxBytes: number;
  /** Milliseconds without a whole line after which nothing more is waited for: octets that drip do not count. */
  silenceMs: number;
}

const LINE_FEED = 0x0a;

/**
 * The lines of an answer that goes on.
 * @throws HttpFailure when it is cut off, a line is too long, or none comes in time
 */
export async function* readLines(
  response: IncomingMessage,
  { maxBytes, silenceMs }: LineLimits,
): AsyncGenerator<string> {
  const octets = new Octets();
  const startTimer = () => setTimeout(() => response.destroy(noAnswerWithin(silenceMs)), silenceMs);
  let timer = startTimer();
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
        octets.add(chunk.subarray(start, end));
        if (octets.size > maxBytes) throw tooLong(maxBytes);
        start = end + 1;
        // Whoever reads the lines may take longer over one than the server may be silent.
        clearTimeout(timer);
        const line = octets.take();
        if (line.length > 0) yield line.toString('utf8');
        timer = startTimer();
      }
      octets.add(chunk.subarray(start));
      if (octets.size > maxBytes) throw tooLong(maxBytes);
    }
    if (octets.size > 0) yield octets.take().toString('utf8');
  } catch (error) {
    throw toHttpFailure(error);
  } finally {
    clearTimeout(timer);
    response.destroy();
  }
}

const tooLong = (maxBytes: number) =>
  new HttpFailure(`one line of the answer has more than ${maxBytes} bytes`, {
    code: 'too_large',
    kind: 'refused',
  });
