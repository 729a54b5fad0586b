import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import { promisify } from 'node:util';
import { constants, createGzip, gzip } from 'node:zlib';
import { safeText } from '../common/safe-text';

const compress = promisify(gzip) as (bytes: Buffer) => Promise<Buffer<ArrayBuffer>>;

/** However slowly a client reads, its answer ends after this time. */
const MAX_MS = 60_000;

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** Headers of every answer; a page adds a policy of its own. */
export function setCommonHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

export function sendText(response: ServerResponse, status: number, content: string): void {
  const text = safeText(content);
  response.statusCode = status;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(text);
}

export function refuse(response: ServerResponse, status: number, sentence: string): void {
  sendText(response, status, `${sentence}\n`);
}

/** A shorter answer is not worth compressing. */
const LEAST_COMPRESSED = 1_400;

/** Whether the client accepts gzip. Answers hold no secret, so their compressed length reveals nothing. */
function isCompressed({ req }: ServerResponse): boolean {
  return /(?:^|[\s,])gzip(?:$|[\s,])/.test([req.headers['accept-encoding'] ?? ''].join());
}

function setCompressed(response: ServerResponse): void {
  response.setHeader('content-encoding', 'gzip');
  response.setHeader('vary', 'accept-encoding');
}

export async function sendAll(response: ServerResponse, text: string): Promise<void> {
  let bytes = Buffer.from(text);
  if (bytes.length >= LEAST_COMPRESSED && isCompressed(response)) {
    bytes = await compress(bytes);
    setCompressed(response);
  }
  response.setHeader('content-length', bytes.length);
  await sendChunks(response, [bytes]);
}

/** Sends a long text piece by piece, compressed where the client accepts that. */
export function sendLong(response: ServerResponse, text: AsyncIterable<string>): Promise<void> {
  if (!isCompressed(response) || response.req.method === 'HEAD') return sendChunks(response, text);
  setCompressed(response);
  // The fastest level, nearly as small: the process runs beside a gateway.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  // Errors reach the code that iterates over it.
  pipeline(Readable.from(text), gzip, () => undefined);
  return sendChunks(response, gzip as AsyncIterable<Buffer>);
}

/** Sends as fast as the client reads; resolves when everything was handed over or the client is gone. */
async function sendChunks(
  response: ServerResponse,
  chunks: AsyncIterable<string | Buffer> | Iterable<Buffer>,
): Promise<void> {
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  // A client that left while the answer was made will not close again.
  if (response.destroyed) return;
  const gone = new AbortController();
  const deadline = setTimeout(() => response.destroy(), MAX_MS);
  response.once('close', () => {
    clearTimeout(deadline);
    gone.abort();
  });
  try {
    for await (const chunk of chunks) {
      if (gone.signal.aborted) return;
      if (!response.write(chunk)) await once(response, 'drain', { signal: gone.signal });
    }
    response.end();
    // Unread data takes memory until it is read.
    if (!response.writableFinished) await once(response, 'finish', { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}
