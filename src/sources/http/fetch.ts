import { Requests, type HttpAnswer, type TlsIdentity } from '../../common/request';
import { MAX_BUNDLE_BYTES } from '../../model';
import { readIdentity, readSecret, readToken, type Secret, type TlsFiles } from '../remote/credentials';
import { Trouble } from '../remote/trouble';
import { showAddress } from '../remote/url';

/** Who one is to the server. */
export type HttpAuth =
  | { kind: 'none' }
  | { kind: 'bearer'; token: Secret }
  | { kind: 'basic'; username: string; password: Secret };

export interface FetchOptions {
  auth: HttpAuth;
  tls: TlsFiles;
  /** Milliseconds for one URL, redirects included. */
  timeoutMs: number;
}

const MAX_REDIRECTS = 5;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** The requests of one look at the source: its files are read once, its connections end with it. */
export class Fetcher {
  readonly #requests = new Requests();
  readonly #identity: TlsIdentity;
  readonly #authorization: Record<string, string>;

  /** @throws Trouble when a file with a token or a certificate cannot be read */
  constructor(private readonly options: FetchOptions) {
    this.#identity = readIdentity(options.tls);
    this.#authorization = authorizationOf(options.auth);
  }

  /**
   * GETs a URL and follows redirects. Credentials and the client certificate go to the URL's own origin alone.
   * @returns an answer with status 200 or 304
   * @throws Trouble, NoAnswerError
   */
  async get(url: URL, conditions: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const { timeoutMs } = this.options;
    const signal = AbortSignal.timeout(timeoutMs);
    let at = url;
    for (let hops = 0; ; hops++) {
      const isHome = at.origin === url.origin;
      const { ca, cert, key } = this.#identity;
      const answer = await this.#requests.exchange({
        url: at,
        headers: {
          accept: '*/*',
          'accept-encoding': 'identity',
          'user-agent': 'ssl-cert-reloader',
          ...conditions,
          ...(isHome ? this.#authorization : {}),
        },
        ca,
        ...(isHome ? { cert, key } : {}),
        timeoutMs,
        signal,
        maxBytes: MAX_BUNDLE_BYTES,
      });
      if (!REDIRECTS.has(answer.status)) return checkAnswer(answer, showAddress(url), isHome, conditions);
      if (hops === MAX_REDIRECTS) {
        throw new Trouble('unreachable', `${showAddress(url)} redirects more than ${MAX_REDIRECTS} times`);
      }
      at = targetOf(answer, at, showAddress(url));
    }
  }

  close(): void {
    this.#requests.close();
  }
}

function authorizationOf(auth: HttpAuth): Record<string, string> {
  switch (auth.kind) {
    case 'none':
      return {};
    case 'bearer':
      return { authorization: `Bearer ${readToken(auth.token)}` };
    case 'basic': {
      const pair = `${auth.username}:${readSecret(auth.password)}`;
      return { authorization: `Basic ${Buffer.from(pair, 'utf8').toString('base64')}` };
    }
  }
}

/** The target itself is not shown: a server may put anything into it, what it was sent included. */
function targetOf({ headers, status }: HttpAnswer, from: URL, where: string): URL {
  const { location = '' } = headers;
  if (location === '' || !URL.canParse(location, from.href)) {
    throw new Trouble('unreachable', `${where} answers ${status} without saying where to go`);
  }
  const target = new URL(location, from);
  if (target.protocol !== 'https:') {
    throw new Trouble(
      'unreachable',
      `${where} redirects to something else than https, which is not followed`,
    );
  }
  return target;
}

function checkAnswer(
  answer: HttpAnswer,
  where: string,
  isHome: boolean,
  conditions: Readonly<Record<string, string>>,
): HttpAnswer {
  const { status, headers } = answer;
  const isConditional = Object.keys(conditions).length > 0;
  if (status === 304 && isConditional) return answer;
  if (status !== 200) throw statusTrouble(answer, where, isHome);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') {
    throw new Trouble('unsupported_format', `${where} answers compressed, which was not asked for`);
  }
  return answer;
}

function statusTrouble({ status, headers }: HttpAnswer, where: string, isHome: boolean): Trouble {
  if (status === 401 && !isHome) {
    return new Trouble(
      'forbidden',
      `${where} redirects to another host that asks for credentials; it does not get them: name that host in the source`,
    );
  }
  if (status === 401) {
    return new Trouble(
      'forbidden',
      `${where} does not accept the credentials (401): look at token, token_file and username`,
    );
  }
  if (status === 403) {
    return new Trouble('forbidden', `${where} does not let it be seen (403): grant it to the source's user`);
  }
  if (status === 404 || status === 410) {
    return new Trouble('unreadable', `${where} does not exist (yet): the server answers ${status}`);
  }
  if (status === 429) {
    const seconds = Number(headers['retry-after']);
    const again = Number.isFinite(seconds) ? ` and asks for ${seconds} s of rest` : '';
    return new Trouble('unreachable', `${where} is asked too often: the server answers 429${again}`);
  }
  return new Trouble('unreachable', `${where} cannot be read: the server answers ${status}`);
}
