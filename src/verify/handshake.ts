import { connect as connectTcp } from 'node:net';
import { connect, createSecureContext, type DetailedPeerCertificate, type SecureContext } from 'node:tls';
import type { KeyType } from '../model';

interface HandshakeOptions {
  host: string;
  port: number;
  /** Whether to send a PROXY protocol header (version 1) first. */
  proxyProtocol?: boolean;
  /** Server name to send; null sends none. */
  servername: string | null;
  /** Offers signatures of this type of key only, so that a server with twins has to choose that one. */
  keyType?: KeyType | undefined;
  timeoutMs: number;
}

/** Nobody listens there: says nothing about the certificate. */
export class UnreachableError extends Error {
  override readonly name = 'UnreachableError';

  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}

const isUnreached = ({ syscall }: NodeJS.ErrnoException) =>
  syscall === 'connect' || syscall === 'getaddrinfo';

/**
 * Whether the server itself ended the handshake because it has no certificate for such a client. An internal error
 * (Kong cannot read its database) says nothing about the certificate.
 */
export function isRefusedByServer({ code = '' }: NodeJS.ErrnoException): boolean {
  return code.startsWith('ERR_SSL_') && code.includes('ALERT') && !code.includes('INTERNAL_ERROR');
}

/** Signatures of keys that are for RSA-PSS alone. */
const PSS_KEYS = 'rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512';

const SIGNATURES: Record<KeyType, string> = {
  rsa: `RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512:${PSS_KEYS}`,
  ec: 'ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512',
  ed25519: 'ed25519',
};

const contexts = new Map<string, SecureContext>();

/** Without any trusted CA: Node would add the root of its own store to the chain that the server sent. */
function contextFor(keyType: KeyType | undefined): SecureContext {
  const known = contexts.get(keyType ?? '');
  if (known !== undefined) return known;
  const context = createSecureContext({
    ca: [],
    ...(keyType === undefined ? {} : { sigalgs: SIGNATURES[keyType] }),
  });
  contexts.set(keyType ?? '', context);
  return context;
}

/**
 * Makes one full TLS handshake; no session is resumed, so the server has to show its certificate.
 * @returns DER of what the server sent, leaf first
 * @throws UnreachableError when nobody listens, Error when the handshake fails or takes too long
 */
export function handshake(options: HandshakeOptions): Promise<Buffer[]> {
  const { host, port, proxyProtocol = false, servername, keyType, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    if (port > 65_535) {
      reject(new UnreachableError(new Error(`there is no port ${port}`)));
      return;
    }
    const tcp = connectTcp({ host, port });
    if (proxyProtocol) tcp.write('PROXY UNKNOWN\r\n');
    const socket = connect({
      socket: tcp,
      ...(servername === null ? {} : { servername }),
      secureContext: contextFor(keyType),
      // Trust does not matter here, only which certificate it is.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    });
    socket.setTimeout(timeoutMs, () => {
      const error = new Error(`no handshake within ${timeoutMs / 1000} s`);
      socket.destroy(tcp.connecting ? new UnreachableError(error) : error);
    });
    socket.once('error', (error: Error) => reject(isUnreached(error) ? new UnreachableError(error) : error));
    socket.once('close', () => reject(new Error('the connection was closed during the handshake')));
    socket.once('secureConnect', () => {
      const sent = peerChain(socket.getPeerCertificate(true));
      socket.destroy();
      if (sent.length === 0) reject(new Error('the server sent no certificate'));
      else resolve(sent);
    });
  });
}

/**
 * The certificates that the server sent, each once. Node links each of them to its issuer, and the last one to itself
 * where it is self-signed. `getPeerX509Certificate` would be quicker by 0.15 ms, and never frees the issuers (decision 0161).
 */
function peerChain(leaf: Partial<DetailedPeerCertificate>): Buffer[] {
  const chain: Buffer[] = [];
  for (
    let at: typeof leaf | undefined = leaf;
    at?.raw !== undefined && chain.length < MAX_CHAIN;
    at = at.issuerCertificate
  ) {
    const { raw } = at;
    if (chain.some((known) => known.equals(raw))) break;
    chain.push(raw);
  }
  return chain;
}

const MAX_CHAIN = 20;
