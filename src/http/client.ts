import type * as http from 'node:http';
import { rememberHeader } from '../common/secrets';
import type { Address } from './address';
import { Agent, type AgentOptions, type TlsIdentity } from './agent';
import { readBody } from './body';
import { send, type Target } from './exchange';
import { HttpFailure, toHttpFailure, type HttpFailureDetails } from './failure';
import { repeatable } from './repeatable';
import { Limit } from './limit';
import { peerCheck, type PeerRules } from './peer';
import { isSamePlace, redirectedTo, redirectFailure, targetOf } from './redirect';

/** Credentials for the server, read for each request, so that renewed ones count at once. */
export interface Credentials {
  /** Returns the same object while nothing has changed. Throws HttpFailure. */
  tls?: () => TlsIdentity;
  /** Secret headers. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** Called when they were not accepted (401): the next call reads them from their origin. */
  forget?: () => void;
}

interface HttpClientOptions {
  address: Address;
  /** The server, for messages: `the Admin API at http://…`. */
  subject: string;
  credentials?: Credentials;
  /** Headers of every request. */
  headers?: Readonly<Record<string, string>>;
  proxy?: Address | undefined;
  /** The certificate is not verified; allowed only where `peer` checks who answers on this machine. */
  isUnverified?: boolean;
  peer?: PeerRules | undefined;
  /** Milliseconds from the call to the last octet of the answer, the wait for a connection included. */
  timeoutMs: number;
  /** Most octets that are read of an answer. */
  maxBytes: number;
  /** Most connections for requests; streams have their own. Default: 8. */
  maxSockets?: number;
  /** Milliseconds after which an unused connection is closed; default: decided by the server. */
  keepMs?: number | undefined;
  /** Most redirects that are followed; default: none. */
  maxRedirects?: number;
  /** Sentences for system error codes that have a special meaning for this client. */
  words?: Readonly<Record<string, string>>;
}

interface HttpRequest {
  method?: string;
  /** Path and query, below the path of the address. Default: the address itself. */
  path?: string;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Octets; a large body in pieces. */
  body?: readonly Uint8Array[] | undefined;
  signal?: AbortSignal | undefined;
  /** Replaces that of the client. */
  timeoutMs?: number | undefined;
  maxBytes?: number | undefined;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Whether it comes from the original server, and not from one that it redirected to. */
  isHome: boolean;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const NO_IDENTITY: TlsIdentity = {};

const NOTHING: Headers = {};

type Headers = Readonly<Record<string, string>>;

/** The secret of a header: without its scheme, of basic authentication the password. */
function secretIn(value: string): string {
  const [, scheme, rest = value] = /^(bearer|basic) (.*)$/i.exec(value) ?? [];
  return scheme?.toLowerCase() === 'basic'
    ? Buffer.from(rest, 'base64')
        .toString('utf8')
        .replace(/^[^:]*:/, '')
    : rest;
}

/**
 * Requests to one server, over kept connections. Whatever the server does, each ends within its limits of time and
 * size, with an answer or an HttpFailure. Requests are not repeated; `withRetries` does that.
 */
export class HttpClient {
  readonly #check: ReturnType<typeof peerCheck>;
  readonly #home: Target;
  #identity: TlsIdentity = NO_IDENTITY;
  /** Secrets of the last request. */
  #sent: readonly string[] = [];
  #requests: Agent | null = null;
  #streams: Agent | null = null;

  constructor(private readonly options: HttpClientOptions) {
    const { address, isUnverified = false, peer, proxy } = options;
    this.#check = proxy === undefined ? peerCheck(address, isUnverified, peer, options.subject) : undefined;
    this.#home = targetOf(address.url);
  }

  /**
   * The answer, whatever its status; after a 401 the request is repeated once if the credentials have changed.
   * @throws HttpFailure
   */
  request(request: HttpRequest = {}): Promise<HttpAnswer> {
    return this.within(request, async (limit) => {
      const secrets = await this.secrets(limit);
      const answer = await this.follow(request, secrets, limit);
      const { headers, forget } = this.options.credentials ?? {};
      if (answer.status !== 401 || !answer.isHome || headers === undefined) return answer;
      forget?.();
      const renewed = await this.secrets(limit);
      if (JSON.stringify(renewed) === JSON.stringify(secrets)) return answer;
      return this.follow(request, renewed, limit);
    });
  }

  /**
   * An answer that goes on, once its headers are there, for `readLines` or to be destroyed. The time limit covers
   * the headers, the signal all of it.
   * @throws HttpFailure
   */
  async open(request: HttpRequest = {}): Promise<http.IncomingMessage> {
    const response = await this.within(request, async (limit) => {
      const secrets = await this.secrets(limit);
      this.refresh();
      // A stream never takes the connection that a request waits for.
      this.#streams ??= new Agent(this.agentOptions(Infinity));
      return this.send(this.#streams, this.target(request), request, secrets, limit);
    });
    const { signal } = request;
    const giveUp = () => response.destroy();
    signal?.addEventListener('abort', giveUp);
    response.once('close', () => signal?.removeEventListener('abort', giveUp));
    return response;
  }

  /** The part of a server's message that may be repeated. */
  repeatable(text: string): string {
    return repeatable(text, this.#sent);
  }

  /** A failure of this client, about the content of an answer. */
  failure(why: string, details: HttpFailureDetails): HttpFailure {
    return new HttpFailure(why, details, this.options.subject);
  }

  close(): void {
    this.#requests?.destroy();
    this.#streams?.destroy();
  }

  /** Runs until it is done, the time is over, or the caller gives up. */
  private async within<T>(
    { timeoutMs = this.options.timeoutMs, signal }: HttpRequest,
    work: (limit: Limit) => Promise<T>,
  ): Promise<T> {
    const limit = new Limit(timeoutMs, signal);
    try {
      signal?.throwIfAborted();
      return await work(limit);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const { words, subject } = this.options;
      throw toHttpFailure(limit.reason ?? error, words).of(subject);
    } finally {
      limit.dispose();
    }
  }

  private async secrets(limit: Limit): Promise<Headers> {
    const asked = this.options.credentials?.headers?.();
    if (asked === undefined) return NOTHING;
    const secrets = asked instanceof Promise ? await withinLimit(asked, limit) : asked;
    for (const value of Object.values(secrets)) rememberHeader(value);
    this.#sent = Object.values(secrets).map(secretIn);
    return secrets;
  }

  private async follow(request: HttpRequest, secrets: Headers, limit: Limit): Promise<HttpAnswer> {
    const { maxRedirects = 0, maxBytes, maxSockets = 8 } = this.options;
    this.refresh();
    this.#requests ??= new Agent(this.agentOptions(maxSockets));
    const home = this.target(request);
    let at = home;
    for (let hops = 0; ; hops++) {
      const isHome = isSamePlace(at, home);
      // Credentials of this server are sent nowhere else.
      const elsewhere = isHome ? null : new Agent(this.optionsElsewhere());
      try {
        const response = await this.send(
          elsewhere ?? this.#requests,
          at,
          request,
          isHome ? secrets : {},
          limit,
        );
        const body = await readBody(response, request.maxBytes ?? maxBytes);
        const { statusCode: status = 0, headers } = response;
        if (maxRedirects === 0 || !REDIRECTS.has(status)) return { status, headers, body, isHome };
        if (hops === maxRedirects)
          throw redirectFailure(`it redirects more than ${maxRedirects} times`, status);
        at = redirectedTo(headers.location, status, at, home);
      } finally {
        elsewhere?.destroy();
      }
    }
  }

  private send(
    agent: Agent,
    target: Target,
    { method = 'GET', headers: own, body }: HttpRequest,
    secrets: Headers,
    limit: Limit,
  ): Promise<http.IncomingMessage> {
    const headers: http.OutgoingHttpHeaders = {
      'user-agent': 'ssl-cert-reloader',
      ...this.options.headers,
      ...own,
      ...secrets,
    };
    if (body !== undefined) headers['content-length'] = body.reduce((sum, { length }) => sum + length, 0);
    return send({ agent, target, method, headers, body, limit });
  }

  /** Takes over renewed certificates and keys; requests under way keep the former ones. */
  private refresh(): void {
    const identity = this.options.credentials?.tls?.() ?? NO_IDENTITY;
    if (identity === this.#identity) return;
    this.#identity = identity;
    this.#requests?.retire();
    this.#streams?.retire();
    this.#requests = null;
    this.#streams = null;
  }

  private agentOptions(maxSockets: number): AgentOptions {
    const { address, isUnverified = false, proxy, keepMs, timeoutMs } = this.options;
    return {
      identity: this.#identity,
      isSecure: address.url.protocol === 'https:',
      socketPath: address.socketPath,
      isUnverified,
      proxy,
      check: this.#check,
      maxSockets,
      keepMs,
      timeoutMs,
    };
  }

  private optionsElsewhere(): AgentOptions {
    const { proxy, timeoutMs } = this.options;
    return { identity: { ca: this.#identity.ca }, isSecure: true, proxy, maxSockets: 1, timeoutMs };
  }

  private target({ path }: HttpRequest): Target {
    if (path === undefined) return this.#home;
    const { pathname } = this.options.address.url;
    return { ...this.#home, path: pathname === '/' ? path : pathname.replace(/\/$/, '') + path };
  }
}

const withinLimit = <T>(asked: Promise<T>, limit: Limit): Promise<T> =>
  new Promise((resolve, reject) => {
    limit.stopBy(reject);
    asked.then(resolve, reject);
  });
