import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isLoopback } from '../common/loopback';
import { redacting } from '../common/redact';
import { decodedPart } from '../common/url-part';
import { NoAnswerError, Requests, type TlsIdentity } from '../common/request';
import type { Delivery } from './outbox';

export interface WebhookSettings {
  webhook?: string | null | undefined;
  /** Holds the address, which is a secret with many receivers. */
  webhook_file?: string | null | undefined;
  /** `Name: value`. */
  headers: readonly string[];
  /** Holds a bearer token; read for each request, so that it may be renewed. */
  token_file?: string | null | undefined;
  ca_file?: string | null | undefined;
  allow_http: boolean;
}

/** For the whole exchange. */
const TIMEOUT_MS = 10_000;
/** Answers that say that the same request will never be taken. */
const HOPELESS = new Set([400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 501]);

/** Posts JSON to one receiver. What it answers is never read, since nobody knows what it holds. */
export class Webhook {
  readonly #requests = new Requests({ maxSockets: 1 });

  constructor(
    private readonly settings: WebhookSettings,
    private readonly address: (webhook: URL) => URL,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {}

  /** Scheme and host for the log; the rest may be a secret. */
  get name(): string {
    const { webhook, webhook_file: file } = this.settings;
    if (webhook == null) return file ?? '';
    return URL.canParse(webhook) ? new URL(webhook).origin : 'an address that is none';
  }

  /** Never throws. */
  async post(body: unknown): Promise<Delivery> {
    try {
      return await this.tryPost(body);
    } catch (error) {
      return { kind: 'later', error: this.sentence(error as Error), afterMs: null };
    }
  }

  close(): void {
    this.#requests.close();
  }

  private async tryPost(body: unknown): Promise<Delivery> {
    const url = this.address(await this.url());
    const response = await this.#requests.open({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', ...basic(url), ...(await this.headers()) },
      body: Buffer.from(JSON.stringify(body, redacting)),
      signal: AbortSignal.timeout(this.timeoutMs),
      ...(await this.identity()),
    });
    // Not even received: whoever answers without an end is not listened to.
    response.destroy();
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    const error = `the webhook answered ${status}`;
    if (HOPELESS.has(status)) return { kind: 'never', error };
    return { kind: 'later', error, afterMs: retryAfter(response.headers['retry-after']) };
  }

  private async url(): Promise<URL> {
    const { webhook, webhook_file: file, allow_http: isHttpAllowed } = this.settings;
    const text = webhook ?? (await textOf(file ?? '')).trim();
    if (!URL.canParse(text)) throw new Error('the address of the webhook is none: https://… is expected');
    const url = new URL(text);
    if (url.protocol === 'http:' && !isHttpAllowed && !isLoopback(url.hostname)) {
      throw new Error('the webhook is plain http to another host: use https, or set alerts.allow_http');
    }
    if (url.protocol !== 'https:' && url.protocol !== 'http:') {
      throw new Error('the address of the webhook is none: https://… is expected');
    }
    return url;
  }

  private async headers(): Promise<Record<string, string>> {
    const { headers, token_file: file } = this.settings;
    const own = headers.map((header) => {
      const colon = header.indexOf(':');
      return [header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim()] as const;
    });
    const token = file == null ? [] : [['authorization', `Bearer ${(await textOf(file)).trim()}`] as const];
    return Object.fromEntries([...own, ...token]);
  }

  private async identity(): Promise<TlsIdentity> {
    const { ca_file: file } = this.settings;
    return file == null ? {} : { ca: await textOf(file) };
  }

  private sentence(error: Error): string {
    if (error instanceof NoAnswerError) {
      const isSlow = (error.cause as Error | undefined)?.name === 'AbortError';
      return `the webhook cannot be reached: ${isSlow ? `no answer within ${this.timeoutMs / 1000} s` : error.message}`;
    }
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (code?.startsWith('ERR_') === true) return `the webhook cannot be asked: ${code}`;
    return path === undefined ? message : `${path} cannot be read: ${code ?? message}`;
  }
}

/** Without waiting: a pipe that nobody writes to would hold a thread for ever. */
async function textOf(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/** `https://user:password@…` */
function basic({ username, password }: URL): Record<string, string> {
  if (username === '') return {};
  const text = `${decodedPart(username)}:${decodedPart(password)}`;
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` };
}

/** Seconds, or a date. */
function retryAfter(value: string | undefined): number | null {
  if (value === undefined) return null;
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(1_000, ms) : null;
}
