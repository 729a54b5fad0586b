import * as http from 'node:http';
import * as https from 'node:https';

/** Trust and identity of one request; PEM. */
export interface TlsIdentity {
  /** Undefined: the CAs that Node.js comes with. */
  ca?: string | Buffer | undefined;
  cert?: string | Buffer | undefined;
  key?: string | Buffer | undefined;
}

export interface RequestOptions extends TlsIdentity {
  url: URL;
  method?: string | undefined;
  headers?: http.OutgoingHttpHeaders | undefined;
  body?: Buffer | undefined;
  /** Milliseconds without an octet from the server after which it is given up. */
  idleMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export interface ExchangeOptions extends Omit<RequestOptions, 'idleMs'> {
  /** Milliseconds for the whole exchange, however slowly the octets trickle in. */
  timeoutMs: number;
  /** The time limit, where it runs already: over several requests. */
  signal?: AbortSignal | undefined;
  /** The most that is read of an answer. */
  maxBytes: number;
}

export interface HttpAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Buffer;
}

/** No whole answer came; `message` says why in a few words, after "cannot be reached: ". */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';

  constructor(
    readonly code: 'UNREACHABLE' | 'TOO_LARGE',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface ConnectionOptions {
  maxSockets?: number;
  /** Milliseconds after which an unused connection is closed; default: as the server likes. */
  keepMs?: number;
}

/** Requests over connections that are kept for the next. It neither follows redirects nor tries again. */
export class Requests {
  readonly #http: http.Agent;
  readonly #https: https.Agent;

  constructor({ maxSockets = 8, keepMs }: ConnectionOptions = {}) {
    const options = { keepAlive: true, maxSockets, ...(keepMs === undefined ? {} : { timeout: keepMs }) };
    this.#http = new http.Agent(options);
    this.#https = new https.Agent(options);
  }

  /**
   * @returns the response as soon as its headers are there, to be read or destroyed
   * @throws NoAnswerError
   */
  open(options: RequestOptions): Promise<http.IncomingMessage> {
    const { url, method = 'GET', headers = {}, body, idleMs, signal, ca, cert, key } = options;
    const isSecure = url.protocol === 'https:';
    return new Promise((resolve, reject) => {
      const request = (isSecure ? https : http).request(
        {
          protocol: url.protocol,
          hostname: url.hostname.replace(/^\[|\]$/g, ''),
          port: url.port === '' ? (isSecure ? 443 : 80) : url.port,
          path: url.pathname + url.search,
          method,
          headers: body === undefined ? headers : { ...headers, 'content-length': body.length },
          agent: isSecure ? this.#https : this.#http,
          ...(isSecure ? { ca, cert, key } : {}),
          ...(signal === undefined ? {} : { signal }),
        },
        resolve,
      );
      if (idleMs !== undefined) {
        request.setTimeout(idleMs, () => request.destroy(new Error(noAnswerWithin(idleMs))));
      }
      request.on('error', (error) => reject(noAnswer(error)));
      request.end(body);
    });
  }

  /** @throws NoAnswerError when no whole answer came in time, or a larger one */
  async exchange({ timeoutMs, maxBytes, ...options }: ExchangeOptions): Promise<HttpAnswer> {
    const { signal = AbortSignal.timeout(timeoutMs) } = options;
    try {
      const response = await this.open({ ...options, signal });
      const body = await readBody(response, maxBytes);
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    } catch (error) {
      if (!signal.aborted || (error as NoAnswerError).code === 'TOO_LARGE') throw error;
      throw new NoAnswerError('UNREACHABLE', noAnswerWithin(timeoutMs), { cause: error });
    }
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

const noAnswerWithin = (ms: number) => `no answer within ${ms / 1000} s`;

/** @throws NoAnswerError when it is cut off, or has more octets than `maxBytes`, of which no more are read */
export async function readBody(response: http.IncomingMessage, maxBytes = Infinity): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response) {
      chunks.push(chunk as Buffer);
      size += (chunk as Buffer).length;
      // Leaving the loop ends the connection.
      if (size > maxBytes) break;
    }
  } catch (error) {
    throw noAnswer(error as Error);
  }
  if (size > maxBytes) throw new NoAnswerError('TOO_LARGE', `the answer has more than ${maxBytes} bytes`);
  return Buffer.concat(chunks);
}

const OTHER_CA = 'its certificate is of another CA than the one that is trusted';
const WANTS_CERTIFICATE = 'it refuses the TLS handshake; does it want a client certificate?';

/** For every code of Node.js's HTTP parser. */
const NO_HTTP = 'what it answers is not HTTP; is the port right?';

/** What the codes of Node.js and OpenSSL mean to a person. */
const WORDS: Readonly<Record<string, string>> = {
  ENOTFOUND: 'its name is unknown; is it spelt right, and does DNS work?',
  EAI_AGAIN: 'its name cannot be looked up just now; does DNS work?',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was reset, or the answer cut off',
  EHOSTUNREACH: 'there is no route to it',
  ENETUNREACH: 'there is no route to it',
  ETIMEDOUT: 'no connection in time',
  EPROTO: 'it does not speak TLS there',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS there; is it plain http?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS there; is it plain http?',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: WANTS_CERTIFICATE,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: WANTS_CERTIFICATE,
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': WANTS_CERTIFICATE,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'it does not trust the client certificate',
  DEPTH_ZERO_SELF_SIGNED_CERT: OTHER_CA,
  SELF_SIGNED_CERT_IN_CHAIN: OTHER_CA,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: OTHER_CA,
  UNABLE_TO_GET_ISSUER_CERT: OTHER_CA,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: OTHER_CA,
  CERT_SIGNATURE_FAILURE: OTHER_CA,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not valid yet; is the clock right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

function noAnswer(error: Error): NoAnswerError {
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (code.startsWith('HPE_')) return new NoAnswerError('UNREACHABLE', NO_HTTP, { cause: error });
  // Messages of the parser and of OpenSSL name files of theirs; the code says the same.
  return new NoAnswerError('UNREACHABLE', WORDS[code] ?? (code === '' ? message : code), { cause: error });
}
