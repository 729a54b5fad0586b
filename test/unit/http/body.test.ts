import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { describe, expect, it, test } from 'vitest';
import { readBody, readLines } from '../../../src/http/body';

const responseOf = (pieces: Iterable<Buffer>, headers: Record<string, string> = {}): IncomingMessage =>
  Object.assign(Readable.from(pieces, { objectMode: false }), { headers }) as unknown as IncomingMessage;

function* split(text: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < text.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield Buffer.from(text.subarray(at, at + size));
    at += size;
  }
}

const bytes = (length: number) =>
  Buffer.from(Array.from({ length }, (_, index) => (index * 31 + (index >> 8)) & 0xff));

describe('a body', () => {
  test.for([
    [0, [1]],
    [1, [1]],
    [10, [1]],
    [300_000, [1]],
    [300_000, [7, 5_000]],
    [300_000, [65_536]],
    [300_000, [1, 1, 1, 1, 1, 1, 1, 1, 1, 70_000, 2]],
    [300_000, [40_000, 1]],
  ] as const)('of %i octets is whole, in pieces of %j', async ([length, sizes]) => {
    const all = bytes(length);
    expect((await readBody(responseOf(split(all, sizes)), length)).equals(all)).toBe(true);
  });

  it('that is one octet too long is not taken', async () => {
    const all = bytes(1_001);
    await expect(readBody(responseOf(split(all, [10])), 1_000)).rejects.toMatchObject({
      code: 'too_large',
      failureKind: 'refused',
    });
    const announced = responseOf(split(all, [10]), { 'content-length': '1001' });
    await expect(readBody(announced, 1_000)).rejects.toMatchObject({ code: 'too_large' });
  });

  it('in pieces of one octet takes little more memory than its octets', async () => {
    const all = bytes(1_000_000);
    const before = process.memoryUsage().rss;
    await readBody(responseOf(split(all, [1])), all.length);
    // A buffer for each of them would take 200 MB and more.
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
  });
});

describe('lines', () => {
  const limits = { maxBytes: 1_000, silenceMs: 30_000 };
  const linesOf = async (text: string, sizes: readonly number[], own = limits) => {
    const lines: string[] = [];
    for await (const line of readLines(responseOf(split(Buffer.from(text), sizes)), own)) lines.push(line);
    return lines;
  };

  test.for([[1], [2], [3, 1], [1_000]] as const)('are the same in pieces of %j', async (sizes) => {
    expect(await linesOf('{"ä":1}\n\n{"b":2}\n{"c":3}', sizes)).toEqual(['{"ä":1}', '{"b":2}', '{"c":3}']);
  });

  test.for([[1], [1_000]] as const)('that are too long end it (pieces of %j)', async (sizes) => {
    const long = `${'x'.repeat(1_000)}\n`;
    expect(await linesOf(long + long, sizes)).toHaveLength(2);
    await expect(linesOf(`${long}y${long}`, sizes)).rejects.toMatchObject({ code: 'too_large' });
    await expect(linesOf('y'.repeat(1_001), sizes)).rejects.toMatchObject({ code: 'too_large' });
  });

  it('that do not come end it, whatever drips meanwhile', async () => {
    const response = Object.assign(new Readable({ read: () => undefined }), { headers: {} });
    const timer = setInterval(() => response.push('\n'), 10);
    const read = async () => {
      for await (const line of readLines(response as unknown as IncomingMessage, {
        maxBytes: 1_000,
        silenceMs: 100,
      }))
        expect(line).toBe('');
    };
    await expect(read()).rejects.toMatchObject({ code: 'no_answer', failureKind: 'away' });
    clearInterval(timer);
  });
});
