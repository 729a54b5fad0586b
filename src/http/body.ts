import type { IncomingMessage } from 'node:http';
import { HttpFailure, noAnswerWithin, toHttpFailure, tooLarge } from './failure';

/** A buffer of one octet takes 200: small pieces of an answer are packed together. */
const SMALL_BYTES = 4 * 1024;
const PACK_BYTES = 64 * 1024;
const FEW = 8;

/** Collects octets that come in pieces, in no more memory than about twice their number. */
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

  /** Returns all octets and starts over. */
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
    // Copied where only a little of the packing buffer is used: large pieces may alternate with small ones.
    const used = this.#pack.subarray(0, this.#packed);
    this.#pieces.push(this.#packed < PACK_BYTES / 2 ? Buffer.from(used) : used);
    this.#pack = null;
    this.#packed = 0;
  }
}

/** @throws HttpFailure when the body is cut off, or longer than `maxBytes`; no more than that is read */
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

interface LineLimits {
  /** Longest line, in octets. */
  maxBytes: number;
  /** Milliseconds to wait for the next whole line; dripping octets do not count. */
  silenceMs: number;
}

const LINE_FEED = 0x0a;

/**
 * Yields the lines of an endless answer.
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
        const line = octets.take();
        // Empty lines do not count as an answer either.
        if (line.length === 0) continue;
        // The caller may take longer over a line than the server may be silent.
        clearTimeout(timer);
        yield line.toString('utf8');
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
