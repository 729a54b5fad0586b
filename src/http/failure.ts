import { Failure, type FailureKind } from '../model';

type HttpFailureCode =
  /** No complete answer came. */
  | 'no_answer'
  /** The server is not the expected one; nothing was sent to it. */
  | 'untrusted'
  /** The answer exceeds the limit. */
  | 'too_large'
  /** A complete answer whose status is a failure. */
  | 'status'
  /** A file with a token, a certificate or a key cannot be used. */
  | 'credentials';

export interface HttpFailureDetails {
  code: HttpFailureCode;
  kind: FailureKind;
  /** Status of the answer; default: there was none. */
  status?: number | undefined;
  /** Milliseconds that the server asks for with Retry-After. */
  waitMs?: number | undefined;
  /** Error code of Node.js or OpenSSL. */
  systemCode?: string | undefined;
}

/**
 * A request that failed. Its message consists of our own words, of names from the configuration and of numbers: it
 * quotes neither the request nor the answer. It has no `cause`, since errors of Node.js carry octets of the answer.
 */
export class HttpFailure extends Failure {
  override readonly name: string = 'HttpFailure';
  readonly code: HttpFailureCode;
  /** Null: there was no complete answer. */
  readonly status: number | null;
  readonly waitMs: number | undefined;
  readonly systemCode: string | undefined;

  /**
   * @param why the problem, in a few words after a colon
   * @param subject the server in question
   */
  constructor(
    readonly why: string,
    { code, kind, status, waitMs, systemCode }: HttpFailureDetails,
    subject = '',
  ) {
    super(kind, subject === '' ? why : `${subject}: ${why}`);
    this.code = code;
    this.status = status ?? null;
    this.waitMs = waitMs;
    this.systemCode = systemCode;
  }

  /** The same failure, naming its subject. */
  of(subject: string): HttpFailure {
    return new HttpFailure(this.why, { ...this.details, code: this.code }, subject);
  }

  get details(): HttpFailureDetails {
    const { code, failureKind: kind, status, waitMs, systemCode } = this;
    return { code, kind, status: status ?? undefined, waitMs, systemCode };
  }
}

const OTHER_CA = 'its certificate is not from a trusted CA';
const WANTS_CERTIFICATE = 'it refuses the TLS handshake; does it want a client certificate?';
const NOT_TLS = 'it does not speak TLS there; is it plain http?';
const NO_ROUTE = 'there is no route to it';

type Meaning = readonly [sentence: string, kind: FailureKind, code?: HttpFailureCode];

/** Meanings of error codes of Node.js and OpenSSL, in one place. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['its name is unknown; is it spelt right, and does DNS work?', 'away'],
  EAI_AGAIN: ['its name cannot be resolved at the moment; does DNS work?', 'away'],
  ECONNREFUSED: ['connection refused', 'away'],
  ECONNRESET: ['the connection was reset, or the answer cut off', 'away'],
  EPIPE: ['the connection was closed while the request was sent', 'away'],
  EHOSTUNREACH: [NO_ROUTE, 'away'],
  ENETUNREACH: [NO_ROUTE, 'away'],
  EADDRNOTAVAIL: [NO_ROUTE, 'away'],
  ETIMEDOUT: ['the connection timed out', 'away'],
  ENOENT: ['the socket does not exist', 'away'],
  EACCES: ['permission denied on the socket', 'forbidden'],
  EPERM: ['a firewall or a policy of this machine blocks the connection', 'forbidden'],
  EMFILE: ['this process has no file descriptors left', 'away'],
  ENFILE: ['this machine has no file descriptors left', 'away'],
  EPROTO: ['it does not speak TLS there', 'away'],
  ERR_SSL_WRONG_VERSION_NUMBER: [NOT_TLS, 'away'],
  ERR_SSL_PACKET_LENGTH_TOO_LONG: [NOT_TLS, 'away'],
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: [WANTS_CERTIFICATE, 'forbidden'],
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: [WANTS_CERTIFICATE, 'forbidden'],
  'ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE': [WANTS_CERTIFICATE, 'forbidden'],
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: ['it does not trust the client certificate', 'forbidden'],
  DEPTH_ZERO_SELF_SIGNED_CERT: [OTHER_CA, 'forbidden', 'untrusted'],
  SELF_SIGNED_CERT_IN_CHAIN: [OTHER_CA, 'forbidden', 'untrusted'],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [OTHER_CA, 'forbidden', 'untrusted'],
  UNABLE_TO_GET_ISSUER_CERT: [OTHER_CA, 'forbidden', 'untrusted'],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [OTHER_CA, 'forbidden', 'untrusted'],
  CERT_SIGNATURE_FAILURE: [OTHER_CA, 'forbidden', 'untrusted'],
  CERT_HAS_EXPIRED: ['its certificate has expired', 'forbidden', 'untrusted'],
  CERT_NOT_YET_VALID: ['its certificate is not valid yet; is the clock right?', 'forbidden', 'untrusted'],
  ERR_TLS_CERT_ALTNAME_INVALID: ['its certificate is for another name', 'forbidden', 'untrusted'],
  HPE_HEADER_OVERFLOW: ['the headers of its answer are too large', 'refused', 'too_large'],
};

/** The HTTP parser of Node.js has a code for each way of not being HTTP. */
const NOT_HTTP: Meaning = ['its answer is not HTTP; is the port right?', 'away'];

/**
 * Converts any error of a request to a failure.
 * @param words sentences for codes that have a special meaning for this client
 */
export function toHttpFailure(error: unknown, words: Readonly<Record<string, string>> = {}): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const { code } = error as NodeJS.ErrnoException;
  const name = typeof code === 'string' && /^[A-Z0-9_/-]{1,80}$/i.test(code) ? code : 'an unknown error';
  const [sentence, kind, failureCode = 'no_answer'] =
    (Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined) ??
    (name.startsWith('HPE_') ? NOT_HTTP : ([name, 'away'] as const));
  return new HttpFailure(words[name] ?? sentence, { code: failureCode, kind, systemCode: name });
}

export const noAnswerWithin = (ms: number): HttpFailure =>
  new HttpFailure(`no answer within ${ms / 1000} s`, {
    code: 'no_answer',
    kind: 'away',
    systemCode: 'ETIMEDOUT',
  });

export const tooLarge = (maxBytes: number): HttpFailure =>
  new HttpFailure(`the answer has more than ${maxBytes} bytes`, { code: 'too_large', kind: 'refused' });

/** The failure kind of a status; null: it is a success. */
export function kindOfStatus(status: number): FailureKind | null {
  if (status >= 200 && status < 300) return null;
  if (status === 304) return null;
  if (status === 409 || status === 412) return 'conflict';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'away';
  // These mean that the content is wrong; the others below 500 mean that the sender or the address is.
  if (status === 400 || status === 413 || status === 415 || status === 422) return 'refused';
  return 'forbidden';
}

/** Milliseconds from Retry-After, which is seconds or a date; undefined: missing or malformed. */
export function retryAfterMs(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
