import { gunzipSync } from 'node:zlib';
import {
  basicAuthorization,
  HeadersReader,
  HttpClient,
  SecretReader,
  showUrl,
  TlsReader,
  type HttpAnswer,
  type Secret,
} from '../../http';
import { MAX_BUNDLE_BYTES } from '../../model';
import { LOCAL_PEER, type RemoteServer } from '../remote/config';
import { Trouble } from '../remote/trouble';

/** How to authenticate to the server. */
export type HttpAuth =
  | { kind: 'none' }
  | { kind: 'bearer'; token: Secret }
  | { kind: 'basic'; username: string; password: Secret };

export interface FetchOptions {
  auth: HttpAuth;
  /** Headers of the configuration, and a file with more of them. */
  further: { headers: Readonly<Record<string, string>>; headersFile: string | null };
  server: RemoteServer;
}

const MAX_REDIRECTS = 5;
/** Longer than a scan and the reads that follow it take. */
const KEEP_MS = 5_000;

/** Requests to the one server of a source. */
export class Fetcher {
  readonly #client: HttpClient;

  constructor({ auth, further, server: { address, tls, proxy, timeoutMs } }: FetchOptions) {
    const files = new TlsReader(tls);
    const secret =
      auth.kind === 'none' ? null : new SecretReader(auth.kind === 'bearer' ? auth.token : auth.password);
    const { headers, headersFile } = further;
    const inFile = headersFile === null ? null : new HeadersReader(headersFile, 'headers_file');
    this.#client = new HttpClient({
      // Documents bring their own paths.
      address: { ...address, url: new URL(address.url.origin) },
      subject: showUrl(address.url),
      credentials: {
        tls: () => files.read(),
        headers: () => ({ ...headers, ...inFile?.read(), ...authorizationOf(auth, secret) }),
        forget: () => {
          files.forget();
          secret?.forget();
          inFile?.forget();
        },
      },
      headers: { accept: '*/*', 'accept-encoding': 'identity' },
      proxy,
      peer: LOCAL_PEER,
      timeoutMs,
      maxBytes: MAX_BUNDLE_BYTES,
      keepMs: KEEP_MS,
      maxRedirects: MAX_REDIRECTS,
    });
  }

  /**
   * GETs a URL of the server and follows redirects. Credentials and the client certificate go to the URL's own
   * origin alone.
   * @returns an answer with status 200 or 304
   * @throws Trouble, HttpFailure
   */
  async get(url: URL, conditions: Readonly<Record<string, string>> = {}): Promise<HttpAnswer> {
    const answer = await this.#client.request({ path: url.pathname + url.search, headers: conditions });
    return checkAnswer(answer, showUrl(url), conditions);
  }

  close(): void {
    this.#client.close();
  }
}

function authorizationOf(auth: HttpAuth, secret: SecretReader | null): Record<string, string> {
  if (secret === null || auth.kind === 'none') return {};
  if (auth.kind === 'bearer') return { authorization: `Bearer ${secret.readToken()}` };
  return { authorization: basicAuthorization({ username: auth.username, password: secret.read() }) };
}

function checkAnswer(
  answer: HttpAnswer,
  where: string,
  conditions: Readonly<Record<string, string>>,
): HttpAnswer {
  const { status, headers } = answer;
  const isConditional = Object.keys(conditions).length > 0;
  if (status === 304 && isConditional) return answer;
  if (status !== 200) throw statusTrouble(answer, where);
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return answer;
  // Buckets send what was uploaded compressed as it is, whatever the request accepts.
  if (encoding === 'gzip') return { ...answer, body: unpacked(answer.body, where) };
  throw new Trouble(
    'unsupported_format',
    `${where} sends an answer that is compressed in a way that was not requested; have the server send the file as it is`,
  );
}

function unpacked(body: Buffer, where: string): Buffer {
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BUNDLE_BYTES });
  } catch (error) {
    const isTooLarge = (error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw isTooLarge
      ? new Trouble(
          'too_large',
          `${where} unpacks to more than 1 MiB; a bundle is one leaf, its chain and its key`,
        )
      : new Trouble(
          'incomplete',
          `${where} sends an answer that cannot be unpacked: it is cut off or no gzip`,
        );
  }
}

function statusTrouble({ status, headers, isHome }: HttpAnswer, where: string): Trouble {
  if (status === 401 && !isHome) {
    return new Trouble(
      'forbidden',
      `${where} redirects to another host that asks for credentials; it does not get them: name that host in the source`,
    );
  }
  if (status === 401) {
    return new Trouble(
      'forbidden',
      `${where} does not accept the credentials (401): check token, token_file, username and headers_file`,
    );
  }
  if (status === 403) {
    return new Trouble('forbidden', `${where} does not permit access (403): grant it to the source's user`);
  }
  if (status === 404 || status === 410) {
    return new Trouble('unreadable', `${where} does not exist (yet): the server answers ${status}`);
  }
  if (status === 429) {
    const seconds = Number(headers['retry-after']);
    const again = Number.isFinite(seconds) ? ` and asks to wait ${seconds} s` : '';
    return new Trouble('unreachable', `${where} is asked too often: the server answers 429${again}`);
  }
  return new Trouble('unreachable', `${where} cannot be read: the server answers ${status}`);
}
