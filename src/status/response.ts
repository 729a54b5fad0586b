import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { safeText } from '../common/safe-text';

/** However slowly a client reads, after this time it is done. */
const MAX_MS = 60_000;

const HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** What every answer has; a page brings a policy of its own. */
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

export function sendAll(response: ServerResponse, text: string): Promise<void> {
  const bytes = Buffer.from(text);
  response.setHeader('content-length', bytes.length);
  return sendChunks(response, [bytes]);
}

/** Sends as fast as the client reads; resolves when all is on its way or the client is gone. */
export async function sendChunks(
  response: ServerResponse,
  chunks: AsyncIterable<string> | Iterable<Buffer>,
): Promise<void> {
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  // Who went away while the answer was made closes no second time, and would be waited for without end.
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
    // What is not read yet takes memory until it is.
    if (!response.writableFinished) await once(response, 'finish', { signal: gone.signal });
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}
