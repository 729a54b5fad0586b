import { createServer, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EVERY_CLIENT, KEY, SECRET } from '../support/every-client';

/** Spellings in which a server may repeat what it was sent. */
const SPELLINGS: Readonly<Record<string, (text: string) => string>> = {
  'as it is': (text) => text,
  'in a sentence': (text) => `the token "${text}" is not valid (it has expired)`,
  'URL-encoded': (text) => [...Buffer.from(text)].map((octet) => `%${octet.toString(16)}`).join(''),
  'in base64': (text) => Buffer.from(text).toString('base64'),
  'in base64 with something before it': (text) => Buffer.from(`a:${text}`).toString('base64url'),
  'in hex': (text) => Buffer.from(text).toString('hex'),
  'in hex with colons': (text) =>
    Buffer.from(text)
      .toString('hex')
      .replace(/(..)(?!$)/g, '$1:'),
  backwards: (text) => Array.from(text).reverse().join(''),
  'in capitals': (text) => text.toUpperCase(),
  'character by character': (text) => Array.from(text).join(' '),
  'with control characters': (text) => Array.from(text).join('\u0000'),
  'over lines': (text) => Array.from(text).join('\r\n '),
};

const STATUSES = [200, 302, 400, 401, 403, 404, 409, 429, 500, 503];

/** A server that answers every request with its secrets, wherever there is room for a text. */
async function quotingServer(status: number, spell: (text: string) => string): Promise<string> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      const quote = [SECRET, KEY, `kong:${SECRET}`].map(spell).join(' ');
      const line = quote.replace(/[^ -~]/g, '');
      const body = JSON.stringify({
        kind: 'Status',
        message: quote,
        reason: quote,
        code: status,
        errors: [quote],
        error: quote,
        fields: { snis: quote, key: quote },
        flattened_errors: [{ entity_id: quote, errors: [{ message: quote, field: quote }] }],
        warnings: [quote],
        data: [{ id: quote, cert: quote }],
        items: [{ metadata: { name: quote, namespace: quote, resourceVersion: '1' } }],
      });
      socket.end(
        `HTTP/1.1 ${status} ${line}\r\ncontent-type: application/json\r\nlocation: http://${encodeURIComponent(quote)}/\r\n` +
          `retry-after: 0\r\nx-quote: ${line}\r\netag: "${line}"\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const plain = (text: string) => text.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

describe.each(Object.entries(EVERY_CLIENT))('%s', (_name, ask) => {
  test.for(Object.entries(SPELLINGS))(
    'that quotes what it was sent, %s, is not repeated',
    async ([, spell]) => {
      for (const status of STATUSES) {
        const url = await quotingServer(status, spell);
        const said = JSON.stringify(await ask(url, 1_000));
        const secrets = [SECRET, KEY.split('\n')[1] ?? ''];
        for (const secret of secrets) {
          const spelt = plain(spell(secret));
          expect(plain(said), `status ${status}`).not.toContain(plain(secret));
          expect(plain(said), `status ${status}`).not.toContain(spelt);
        }
      }
    },
  );
});
