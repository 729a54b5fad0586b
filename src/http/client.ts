import { setMaxListeners } from 'node:events';
import { rememberHeader } from '../common/secrets';
import * as http from 'node:http';
import type { Address } from './address';
import { Agent, type AgentOptions, type TlsIdentity } from './agent';
import { readBody } from './body';
import { HttpFailure, noAnswerWithin, toHttpFailure, type HttpFailureDetails } from './failure';
import { peerCheck, type PeerRules } from './peer';

/** Who one is to the server; asked anew for each request, so that what is renewed counts at once. */
export interface Credentials {
  /** The same object while nothing has changed. Throws HttpFailure. */
  tls?: () => TlsIdentity;
  /** Headers that nobody else may see. */
  headers?: () => Record<string, string> | Promise<Record<string, string>>;
  /** They were not accepted (401): the next call reads them from where they come. */
  forget?: () => void;
}

export interface HttpClientOptions {
  address: Address;
  /** Who is asked, for messages: `the Admin API at http://…`. */
  subject: string;
  credentials?: Credentials;
  /** For every request. */
  headers?: Readonly<Record<string, string>>;
  proxy?: Address | undefined;
  /** The certificate is not verified: only where `peer` says who answers on this machine. */
  isUnverified?: boolean;
  peer?: PeerRules | undefined;
  /** Milliseconds from the call on, the wait for a connection and the last octet of the answer included. */
  timeoutMs: number;
  /** The most that is read of an answer. */
  maxBytes: number;
  /** Connections for requests; streams have their own. Default: 8. */
  maxSockets?: number;
  /** Milliseconds after which an unused connection is closed; default: as the server likes. */
  keepMs?: number | undefined;
  /** Redirects that are followed; default: none. */
  maxRedirects?: number;
  /** Sentences for codes of the system that mean something else to this client. */
  words?: Readonly<Record<string, string>>;
}

export interface HttpRequest {
  method?: string;
  /** With its query, below the path of the address. Default: the address itself. */
  path?: string;
  headers?: Readonly<Record<string, string>> | undefined;
  /** Octets; a large one in pieces. */
  body?: readonly Uint8Array[] | undefined;
  signal?: AbortSignal | undefined;
  /** In place of those of the client. */
  timeoutMs?: number | undefined;
  maxBytes?: number | undefined;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
  /** Whether it comes from the place that was asked, and not from one that it redirected to. */
  isHome: boolean;
}

/** All that is read of the headers of an answer. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Answers before the answer (1xx). */
const MAX_INTERIM = 20;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** They may be sent again on a new connection where the kept one was just being closed. */
const REPEATABLE = new Set(['GET', 'HEAD']);
const NO_IDENTITY: TlsIdentity = {};

type Headers = Readonly<Record<string, string>>;

interface Target {
  /** Only its origin counts. */
  origin: URL;
  path: string;
}

/**
 * Requests to one place, over connections that are kept for the next. Whatever the server does, each ends within its
 * limits of time and size, with an answer or an HttpFailure. It does not try again (`withRetries` does).
 */
export class HttpClient {
  readonly #check: ReturnType<typeof peerCheck>;
  #identity: TlsIdentity = NO_IDENTITY;
  #requests: Agent | null = null;
  #streams: Agent | null = null;

  constructor(private readonly options: HttpClientOptions) {
    const { address, isUnverified = false, peer, proxy } = options;
    this.#check = proxy === undefined ? peerCheck(address, isUnverified, peer) : undefined;
  }

  /**
   * The answer, whatever its status; after a 401 once more where the credentials have changed meanwhile.
   * @throws HttpFailure
   */
  async request(request: HttpRequest = {}): Promise<HttpAnswer> {
    const { timeoutMs = this.options.timeoutMs, signal } = request;
    return this.within(timeoutMs, signal, async (limit) => {
      const headers = await this.secrets(limit);
      const answer = await this.follow(request, headers, limit);
      if (answer.status !== 401 || !answer.isHome) return answer;
      this.options.credentials?.forget?.();
      const renewed = await this.secrets(limit);
      if (JSON.stringify(renewed) === JSON.stringify(headers)) return answer;
      return this.follow(request, renewed, limit);
    });
  }

  /**
   * An answer that goes on, as soon as its headers are there, for `readLines` or to be destroyed. The time limit is
   * for its headers, the signal for all of it.
   * @throws HttpFailure
   */
  async open(request: HttpRequest = {}): Promise<http.IncomingMessage> {
    const { timeoutMs = this.options.timeoutMs, signal } = request;
    const response = await this.within(timeoutMs, signal, async (limit) => {
      const secrets = await this.secrets(limit);
      this.refresh();
      // A stream never takes the connection that a request waits for.
      this.#streams ??= new Agent(this.agentOptions(Infinity));
      return this.send(this.#streams, this.targetOf(request), request, secrets, limit);
    });
    const giveUp = () => response.destroy();
    signal?.addEventListener('abort', giveUp);
    response.once('close', () => signal?.removeEventListener('abort', giveUp));
    return response;
  }

  /** A failure of this client, for what an answer says. */
  failure(why: string, details: HttpFailureDetails): HttpFailure {
    return new HttpFailure(why, details, this.options.subject);
  }

  close(): void {
    this.#requests?.destroy();
    this.#streams?.destroy();
  }

  /** Runs until it is done, the time is over, or the caller gives up. */
  private async within<T>(
    timeoutMs: number,
    signal: AbortSignal | undefined,
    work: (limit: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(noAnswerWithin(timeoutMs)), timeoutMs);
    const giveUp = () => limit.abort(signal?.reason);
    // One signal may be that of many requests.
    if (signal !== undefined) setMaxListeners(0, signal);
    signal?.addEventListener('abort', giveUp);
    try {
      signal?.throwIfAborted();
      return await work(limit.signal);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      const failure = toHttpFailure(limit.signal.aborted ? limit.signal.reason : error, this.options.words);
      throw failure.of(this.options.subject);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', giveUp);
    }
  }

  private async secrets(limit: AbortSignal): Promise<Headers> {
    const asked = this.options.credentials?.headers?.() ?? {};
    const headers = asked instanceof Promise ? await withinLimit(asked, limit) : asked;
    Object.values(headers).forEach(rememberHeader);
    return headers;
  }

  private async follow(request: HttpRequest, secrets: Headers, limit: AbortSignal): Promise<HttpAnswer> {
    const { maxRedirects = 0, maxBytes } = this.options;
    this.refresh();
    this.#requests ??= new Agent(this.agentOptions(this.options.maxSockets ?? 8));
    const home = this.targetOf(request);
    let at = home;
    for (let hops = 0; ; hops++) {
      const isHome = at.origin.origin === home.origin.origin;
      // What is for this server alone goes nowhere else.
      const elsewhere = isHome
        ? null
        : new Agent({ ...this.agentOptions(1), identity: { ca: this.#identity.ca } });
      const agent = elsewhere ?? this.#requests;
      try {
        const response = await this.send(agent, at, request, isHome ? secrets : {}, limit);
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

  /** @returns the answer as soon as its headers are there */
  private send(
    agent: Agent,
    { origin, path }: Target,
    { method = 'GET', headers, body }: HttpRequest,
    secrets: Headers,
    limit: AbortSignal,
  ): Promise<http.IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        {
          agent,
          protocol: origin.protocol,
          hostname: origin.hostname.replace(/^\[|\]$/g, ''),
          port: origin.port === '' ? agent.defaultPort : origin.port,
          method,
          path,
          maxHeaderSize: MAX_HEADER_BYTES,
          headers: {
            'user-agent': 'ssl-cert-reloader',
            ...this.options.headers,
            ...headers,
            ...secrets,
            ...(body === undefined ? {} : { 'content-length': sizeOf(body) }),
          },
        },
        resolve,
      );
      const giveUp = () => request.destroy(limit.reason as Error);
      if (limit.aborted) giveUp();
      limit.addEventListener('abort', giveUp);
      request.on('error', (error: NodeJS.ErrnoException) => {
        limit.removeEventListener('abort', giveUp);
        // The server closed a kept connection while the request was on its way.
        const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        if (!isStale || !REPEATABLE.has(method) || limit.aborted) reject(error);
        else resolve(this.send(agent, { origin, path }, { method, headers, body }, secrets, limit));
      });
      let interim = 0;
      request.on('information', () => {
        interim += 1;
        if (interim > MAX_INTERIM) request.destroy(Object.assign(new Error(), { code: 'HPE_INTERIM' }));
      });
      for (const piece of body ?? []) request.write(piece);
      request.end();
    });
  }

  /** Takes certificates and keys that were renewed; requests that are under way end as they began. */
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

  private targetOf({ path }: HttpRequest): Target {
    const { url } = this.options.address;
    if (path === undefined) return { origin: url, path: url.pathname + url.search };
    return { origin: url, path: url.pathname.replace(/\/$/, '') + path };
  }
}

const sizeOf = (body: readonly Uint8Array[]) => body.reduce((sum, { length }) => sum + length, 0);

/** The target is not shown: a server may put anything into it, what it was sent included. */
function redirectedTo(location = '', status: number, from: Target, home: Target): Target {
  const base = new URL(from.path, from.origin);
  if (location === '' || !URL.canParse(location, base.href))
    throw redirectFailure(`it answers ${status} without saying where to go`, status);
  const url = new URL(location, base);
  if (url.protocol !== 'https:' && url.origin !== home.origin.origin)
    throw redirectFailure('it redirects to something else than https, which is not followed', status);
  return { origin: url, path: url.pathname + url.search };
}

const redirectFailure = (why: string, status: number) =>
  new HttpFailure(why, { code: 'status', kind: 'forbidden', status });

const withinLimit = <T>(asked: Promise<T>, limit: AbortSignal): Promise<T> =>
  new Promise((resolve, reject) => {
    limit.addEventListener('abort', () => reject(limit.reason as Error), { once: true });
    asked.then(resolve, reject);
  });
