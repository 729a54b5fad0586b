import { Failure, type FailureKind } from '../model';

export type HttpFailureCode =
  /** No whole answer came. */
  | 'no_answer'
  /** Whoever answers is not who it should be; nothing was sent to it. */
  | 'untrusted'
  /** The answer is larger than is read. */
  | 'too_large'
  /** A whole answer with a status that is a failure. */
  | 'status'
  /** A file with a token, a certificate or a key cannot be used. */
  | 'credentials';

export interface HttpFailureDetails {
  code: HttpFailureCode;
  kind: FailureKind;
  /** Of the answer; default: there was none. */
  status?: number | undefined;
  /** What the server asks for with Retry-After, in milliseconds. */
  waitMs?: number | undefined;
  /** Of Node.js or OpenSSL. */
  systemCode?: string | undefined;
}

/**
 * A request that did not succeed. Its message is made of our own words, of names out of the configuration and of
 * numbers: it quotes neither what was sent nor what was answered. It has no `cause`, since the errors of Node.js carry
 * octets of the answer.
 */
export class HttpFailure extends Failure {
  override readonly name: string = 'HttpFailure';
  readonly code: HttpFailureCode;
  /** Null: there was no whole answer. */
  readonly status: number | null;
  readonly waitMs: number | undefined;
  readonly systemCode: string | undefined;

  /** @param why what is wrong, in a few words after a colon @param subject who does not answer as it should */
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

  /** The same failure with whom it is about. */
  of(subject: string): HttpFailure {
    return new HttpFailure(this.why, { ...this.details, code: this.code }, subject);
  }

  get details(): HttpFailureDetails {
    const { code, failureKind: kind, status, waitMs, systemCode } = this;
    return { code, kind, status: status ?? undefined, waitMs, systemCode };
  }
}

const OTHER_CA = 'its certificate is of another CA than the one that is trusted';
const WANTS_CERTIFICATE = 'it refuses the TLS handshake; does it want a client certificate?';
const NOT_TLS = 'it does not speak TLS there; is it plain http?';
const NO_ROUTE = 'there is no route to it';

type Meaning = readonly [sentence: string, kind: FailureKind, code?: HttpFailureCode];

/** What the codes of Node.js and OpenSSL mean, in one place. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: ['its name is unknown; is it spelt right, and does DNS work?', 'away'],
  EAI_AGAIN: ['its name cannot be looked up just now; does DNS work?', 'away'],
  ECONNREFUSED: ['connection refused', 'away'],
  ECONNRESET: ['the connection was reset, or the answer cut off', 'away'],
  EPIPE: ['the connection was closed while the request was sent', 'away'],
  EHOSTUNREACH: [NO_ROUTE, 'away'],
  ENETUNREACH: [NO_ROUTE, 'away'],
  EADDRNOTAVAIL: [NO_ROUTE, 'away'],
  ETIMEDOUT: ['no connection in time', 'away'],
  ENOENT: ['the socket does not exist', 'away'],
  EACCES: ['permission denied on the socket', 'forbidden'],
  EPERM: ['this machine does not let it be reached (a firewall, or a policy)', 'forbidden'],
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

/** The parser of Node.js has a code of its own for each way of not being HTTP. */
const NOT_HTTP: Meaning = ['what it answers is not HTTP; is the port right?', 'away'];

/**
 * Any error of a request as a failure.
 * @param words sentences for codes that mean something else to this client
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

/** What a status means for what happens next; null: it is a success. */
export function kindOfStatus(status: number): FailureKind | null {
  if (status >= 200 && status < 300) return null;
  if (status === 304) return null;
  if (status === 409 || status === 412) return 'conflict';
  if (status === 408 || status === 425 || status === 429 || status >= 500) return 'away';
  // The content is wrong; everything else below 500 is about who asks, or where.
  if (status === 400 || status === 413 || status === 415 || status === 422) return 'refused';
  return 'forbidden';
}

/** Retry-After, seconds or a date, in milliseconds; undefined: it is not given, or is neither. */
export function retryAfterMs(value: string | undefined, now = Date.now()): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}
