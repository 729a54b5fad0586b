import { ConfiguredFile, type FileError } from '../common/configured-file';
import { toJson } from '../common/safe-text';
import { rememberSecret } from '../common/secrets';
import {
  basicAuthorization,
  HttpClient,
  HttpFailure,
  parseAddress,
  retryAfterMs,
  SecretReader,
  TlsReader,
  type Address,
} from '../http';
import type { Delivery } from './outbox';

export interface WebhookSettings {
  webhook?: string | null | undefined;
  /** File with the address, which is a secret for many receivers. */
  webhook_file?: string | null | undefined;
  /** `Name: value`. */
  headers: readonly string[];
  /** File with a bearer token, read again when it changes. */
  token_file?: string | null | undefined;
  ca_file?: string | null | undefined;
  allow_http: boolean;
}

/** Limit of the whole exchange. */
const TIMEOUT_MS = 10_000;
const MIN_WAIT_MS = 1_000;
/** Answers after which the same request would never be accepted. */
const HOPELESS = new Set([400, 405, 406, 410, 411, 413, 414, 415, 422, 431, 501]);

/** Posts JSON to one receiver. Answers are never read, since nobody knows what they hold. */
export class Webhook {
  readonly #file: ConfiguredFile | null;
  readonly #token: SecretReader | null;
  readonly #tls: TlsReader;
  /** Client for the address that was found last. */
  #client: { text: string; client: HttpClient } | null = null;

  constructor(
    private readonly settings: WebhookSettings,
    private readonly address: (webhook: URL) => URL,
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    const { webhook, webhook_file: file, token_file: token, ca_file: caFile } = settings;
    this.#file = webhook != null || file == null ? null : new ConfiguredFile(file);
    this.#token = token == null ? null : new SecretReader({ file: token });
    this.#tls = new TlsReader({ caFile: caFile ?? null, certFile: null, keyFile: null });
  }

  /** Scheme and host for the log; the rest may be a secret. */
  get name(): string {
    const { webhook, webhook_file: file } = this.settings;
    if (webhook == null) return file ?? '';
    return URL.canParse(webhook) ? new URL(webhook).origin : 'an address that is not a valid URL';
  }

  /** Never throws. */
  async post(body: unknown): Promise<Delivery> {
    try {
      return await this.tryPost(body);
    } catch (error) {
      return { kind: 'later', error: sentence(error as Error), afterMs: null };
    }
  }

  close(): void {
    this.#client?.client.close();
  }

  private async tryPost(body: unknown): Promise<Delivery> {
    const response = await this.client().open({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: [Buffer.from(toJson(body))],
    });
    // The body is not even received: it may have no end.
    response.destroy();
    const status = response.statusCode ?? 0;
    if (status >= 200 && status < 300) return { kind: 'delivered' };
    const error = `the webhook answered ${status}`;
    if (HOPELESS.has(status)) return { kind: 'never', error };
    if (status === 401) this.#token?.forget();
    const askedMs = retryAfterMs(response.headers['retry-after']);
    return { kind: 'later', error, afterMs: askedMs === undefined ? null : Math.max(MIN_WAIT_MS, askedMs) };
  }

  private client(): HttpClient {
    const text = this.settings.webhook ?? this.#file?.read().trim() ?? '';
    if (this.#client?.text === text) return this.#client.client;
    this.close();
    const address = this.parse(text);
    // The path is a secret: it suffices to write to the receiver.
    rememberSecret(address.url.pathname.slice(1));
    rememberSecret(address.url.search.slice(1));
    const client = new HttpClient({
      address: { ...address, url: this.address(address.url) },
      subject: 'the webhook',
      credentials: {
        tls: () => this.#tls.read(),
        headers: () => this.headers(address),
        forget: () => this.#tls.forget(),
      },
      timeoutMs: this.timeoutMs,
      maxBytes: 0,
    });
    this.#client = { text, client };
    return client;
  }

  private parse(text: string): Address {
    const allowHttp = this.settings.allow_http;
    try {
      return parseAddress(text, { allowHttp, allowHttpBy: 'alerts.allow_http' });
    } catch (error) {
      throw new Error(`the address of the webhook cannot be used: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  /** A token from the file wins over a configured header, and that over a password in the address. */
  private headers({ login }: Address): Record<string, string> {
    const own = this.settings.headers.map((header) => {
      const colon = header.indexOf(':');
      return [header.slice(0, colon).trim().toLowerCase(), header.slice(colon + 1).trim()] as const;
    });
    return {
      ...(login === null ? {} : { authorization: basicAuthorization(login) }),
      ...Object.fromEntries(own),
      ...(this.#token === null ? {} : { authorization: `Bearer ${this.#token.readToken()}` }),
    };
  }
}

function sentence(error: Error | FileError | HttpFailure): string {
  if (!(error instanceof HttpFailure)) return error.message;
  return error.code === 'credentials' ? error.why : `the webhook cannot be reached: ${error.why}`;
}
