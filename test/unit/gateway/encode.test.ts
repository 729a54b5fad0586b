import * as crypto from 'node:crypto';
import { describe, expect, it, test } from 'vitest';
import { DeclarativeDocument } from '../../../src/gateway/declarative/document';
import { decode, encode } from '../../../src/gateway/declarative/encode';

const HEAD = "_format_version: '3.0'\nservices:\n";
const services = (count: number, value: string) =>
  HEAD + Array.from({ length: count }, (_, index) => `- id: s${index}\n  name: ${value}\n`).join('');

/** Number of turns of the event loop during the work. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0;
  let isOver = false;
  const count = () => {
    turns += 1;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  await work();
  isOver = true;
  return turns;
}

describe('a configuration on its way to Kong', () => {
  test.for([
    ['plain', 'billing'],
    ['quotes and backslashes', String.raw`"a\"b\\n" 'c'`],
    ['letters of other alphabets', 'bücher ☃ 𝕏'],
    ['signs that JSON escapes', '"\u0001\u2028\t"'],
  ])('becomes what JSON.stringify makes of it: %s', async ([, value = '']) => {
    const text = services(3, value);
    const { body, hash, parts, size } = await encode(new DeclarativeDocument(text));
    expect(JSON.parse(body.toString())).toEqual({ config: text });
    expect(parts.join('')).toBe(text);
    expect(hash).toBe(crypto.hash('md5', text));
    expect(size).toBe(text.length);
    expect((await decode(body))?.join('')).toBe(text);
  });

  it('that is large is read and made in many turns', async () => {
    const text = services(2_000, 'x'.repeat(2_000));
    const answer = Buffer.from(JSON.stringify({ config: text }));
    let parts: readonly string[] | null = null;
    expect(await turnsDuring(async () => (parts = await decode(answer)))).toBeGreaterThanOrEqual(10);
    const read = () => DeclarativeDocument.read(parts ?? []);
    expect(await turnsDuring(read)).toBeGreaterThanOrEqual(10);
    const document = await read();
    expect(await turnsDuring(() => encode(document))).toBeGreaterThanOrEqual(10);
    expect(document.toString()).toBe(text);
  });

  it('is cut within no character and no escape, however it falls', async () => {
    for (const shift of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const text = `${HEAD}- id: a\n  name: ${'x'.repeat(shift)}${'\\\u0001☃𝕏"'.repeat(60_000)}\n`;
      const answer = Buffer.from(JSON.stringify({ config: text }));
      expect((await decode(answer))?.join('') === text).toBe(true);
    }
  });

  test.for([
    ['nothing', ''],
    ['a web page', '<html>"config":"x"</html>'],
    ['another object', '{"message":"no"}'],
    ['a configuration that is no text', '{"config":null}'],
    ['more than a configuration', '{"config":"a","more":1}'],
  ])('is told apart from %s', async ([, text = '']) => {
    expect(await decode(Buffer.from(text))).toBeNull();
  });
});
