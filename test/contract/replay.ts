import * as http from 'node:http';
import { maskBody, maskHeaders } from './mask';
import type { Recording } from './recording';

export interface Exchange {
  status: number;
  headers: Record<string, unknown>;
  /** Parsed where it is JSON. */
  body: unknown;
}

/** Sends recorded requests to a gateway and remembers which of what it gave out stands for what was recorded. */
export class Replay {
  readonly #given = new Map<string, string>();

  constructor(private readonly adminUrl: string) {}

  /** The actual and the expected exchanges, both without parts that differ from run to run. */
  async run(recording: Recording): Promise<{ actual: Exchange; expected: Exchange }> {
    const { request, response } = recording;
    const { content, type } = encode(request.body, request.headers);
    const actual = await this.send(request.method, this.#translate(request.path), {
      content: content === null ? null : this.#translate(content),
      type,
    });
    this.#learn(response.body, actual.body);
    return { actual: masked(actual), expected: masked({ headers: {}, ...response }) };
  }

  async send(
    method: string,
    path: string,
    { content, type }: { content: string | null; type: string | null } = { content: null, type: null },
  ): Promise<Exchange> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string | number> = { ...(type === null ? {} : { 'content-type': type }) };
      if (content !== null) headers['content-length'] = Buffer.byteLength(content);
      const request = http.request(
        `${this.adminUrl}${path}`,
        { method, headers, agent: false },
        (response) => {
          const parts: Buffer[] = [];
          response.on('data', (part: Buffer) => parts.push(part));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              body: decode(Buffer.concat(parts).toString('utf8'), response.headers['content-type']),
            }),
          );
        },
      );
      request.on('error', reject);
      request.end(content ?? undefined);
    });
  }

  /** Brings a gateway to the state that a scenario starts from. */
  async put(method: string, path: string, body: unknown): Promise<Exchange> {
    return this.send(method, path, { content: JSON.stringify(body), type: 'application/json' });
  }

  /** Replaces recorded ids and offsets by those that the gateway has generated. */
  #learn(recorded: unknown, actual: unknown): void {
    if (typeof recorded !== 'object' || typeof actual !== 'object' || recorded === null || actual === null)
      return;
    for (const name of ['id', 'offset'] as const) {
      const was = (recorded as Record<string, unknown>)[name];
      const is = (actual as Record<string, unknown>)[name];
      if (typeof was === 'string' && typeof is === 'string') this.#given.set(was, is);
    }
  }

  #translate(text: string): string {
    let translated = text;
    for (const [recorded, actual] of this.#given) translated = translated.replaceAll(recorded, actual);
    return translated;
  }
}

function encode(
  body: unknown,
  headers: Record<string, string>,
): { content: string | null; type: string | null } {
  const type = headers['content-type'] ?? null;
  if (body === undefined) return { content: null, type };
  if (typeof body !== 'string') return { content: JSON.stringify(body), type: type ?? 'application/json' };
  // Bodies too long to keep are written down as their size.
  const size = /^<(\d+) bytes>$/.exec(body)?.[1];
  return { content: size === undefined ? body : `#${' '.repeat(Number(size) - 1)}`, type };
}

function decode(text: string, type = ''): unknown {
  return type.includes('application/json') && text !== '' ? (JSON.parse(text) as unknown) : text;
}

function masked({ status, headers, body }: Exchange): Exchange {
  return { status, headers: maskHeaders(headers), body: maskBody(body) };
}
