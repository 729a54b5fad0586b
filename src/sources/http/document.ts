import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Fetcher } from './fetch';

/** Result of a request for a URL; nothing of it is remembered before `keep`. */
interface Look {
  /** Null: unchanged. */
  body: Buffer | null;
  keep(): void;
}

/**
 * Last-Modified has a resolution of a second, and so have ETags that servers derive from it: two writes within one
 * second may share it. An answer this young is therefore fetched once more.
 */
const YOUNG_MS = 2_000;

/** One URL, with what identifies its present version. */
export class RemoteDocument {
  #validators: Record<string, string> = {};
  #digest = '';

  constructor(readonly url: URL) {}

  /** Makes one request: conditional, unless the whole is wanted whatever the server considers unchanged. */
  async look(fetcher: Fetcher, whole: boolean): Promise<Look> {
    const { status, headers, body } = await fetcher.get(this.url, whole ? {} : this.#validators);
    if (status === 304) return { body: null, keep: () => undefined };
    const digest = createHash('sha256').update(body).digest('base64url');
    return {
      // Rebuilt or load-balanced servers give new ETags to unchanged files.
      body: digest === this.#digest ? null : body,
      keep: () => {
        this.#digest = digest;
        this.#validators = validatorsOf(headers);
      },
    };
  }

  async fetch(fetcher: Fetcher): Promise<Buffer> {
    return (await fetcher.get(this.url)).body;
  }
}

function validatorsOf({
  etag,
  date,
  'last-modified': modified,
}: IncomingHttpHeaders): Record<string, string> {
  if (modified !== undefined && Date.parse(date ?? '') - Date.parse(modified) < YOUNG_MS) return {};
  return {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(modified === undefined ? {} : { 'if-modified-since': modified }),
  };
}
