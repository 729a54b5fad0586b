import {
  basicAuthorization,
  HeadersReader,
  parseAddress,
  SecretReader,
  TlsReader,
  type Address,
  type Credentials,
  type Login,
  type PeerRules,
  type Secret,
} from '../../http';

export interface AdminClientOptions {
  /** `http://…`, `https://…` or `unix:/path`. */
  url: string;
  /** Allows plain http to other hosts and to other users of this machine. */
  allowHttp?: boolean | undefined;
  token?: Secret | undefined;
  /** File with further headers, a line `Name: value` each. */
  headersFile?: string | undefined;
  /** Further headers by name. */
  headers?: Readonly<Record<string, string>> | undefined;
  caFile?: string | undefined;
  /** A client certificate and its key. */
  certFile?: string | undefined;
  keyFile?: string | undefined;
  /** Name that the certificate of the Admin API must have; default: its host. */
  serverName?: string | undefined;
  /** How to recognize Kong on this machine, as far as its prefix tells. */
  kong?: Pick<PeerRules, 'users' | 'pinned'> | undefined;
  /** Milliseconds for one exchange, all waiting included. */
  timeoutMs?: number;
  /** Most tries of one request. */
  attempts?: number;
  /** Most connections at the same time. */
  concurrency?: number;
  /** Called with each exchange; `code` is 0 where there was no answer. */
  onExchange?: ((method: string, code: number) => void) | undefined;
}

/** @throws Error with a sentence that does not quote the address: it may hold a password */
export function addressOf({ url, allowHttp }: AdminClientOptions): Address {
  try {
    return parseAddress(url, { allowHttp, allowHttpBy: 'admin.allow_http (or --allow-http)', unix: true });
  } catch (error) {
    throw new Error(`the address of the Admin API (admin.url) cannot be used: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

const FILE_FIELDS = { ca: 'admin.ca_file', cert: 'admin.client_cert_file', key: 'admin.client_key_file' };

/** Credentials for every request. @throws Error where a client certificate comes without its key */
export function credentialsOf(options: AdminClientOptions, login: Login | null): Credentials {
  const { token, headersFile, caFile = null, certFile = null, keyFile = null, serverName } = options;
  if ((certFile === null) !== (keyFile === null)) {
    const missing = certFile === null ? 'client_cert_file' : 'client_key_file';
    throw new Error(`admin.${missing}: a client certificate and its key go together`);
  }
  const tls = new TlsReader({ caFile, certFile, keyFile }, serverName, FILE_FIELDS);
  const secret = token === undefined ? null : new SecretReader(token, 'admin.token_file');
  const further = headersFile === undefined ? null : new HeadersReader(headersFile, 'admin.headers_file');
  return {
    tls: () => tls.read(),
    headers: () => ({
      ...(login === null ? {} : { authorization: basicAuthorization(login) }),
      ...options.headers,
      ...further?.read(),
      ...(secret === null ? {} : { 'kong-admin-token': secret.readToken() }),
    }),
    forget: () => {
      for (const one of [tls, secret, further]) one?.forget();
    },
  };
}
