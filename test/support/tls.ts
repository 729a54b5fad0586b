import { connect, type TLSSocket } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { KeyType } from '../../src/model';
import { handshake } from '../../src/verify';

/** Fingerprint of the leaf that is served for an SNI; null sends none. `keyType`: to a client that knows only that. */
export async function servedLeaf(
  port: number,
  servername: string | null,
  keyType?: KeyType,
): Promise<string> {
  const [leaf] = await servedChain(port, servername, keyType);
  return leaf ?? '';
}

/** Fingerprints of all certificates that are sent, leaf first. */
export async function servedChain(
  port: number,
  servername: string | null,
  keyType?: KeyType,
): Promise<string[]> {
  const sent = await handshake({ host: '127.0.0.1', port, servername, keyType, timeoutMs: 30_000 });
  return sent.map((der) => new X509Certificate(der).fingerprint256);
}

export const leafOf = (pem: string): string => new X509Certificate(pem).fingerprint256;

/** A TLS connection that stays open; `ask` sends a request over it and waits for the answer's first line. */
export class OpenConnection {
  private constructor(private readonly socket: TLSSocket) {}

  static open(port: number, servername: string): Promise<OpenConnection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
      socket.setEncoding('utf8');
      socket.once('error', reject);
      socket.once('secureConnect', () => resolve(new OpenConnection(socket)));
    });
  }

  ask(): Promise<string> {
    return new Promise((resolve, reject) => {
      const onClose = () => reject(new Error('the connection was closed'));
      // It would not say so twice.
      if (this.socket.destroyed) {
        onClose();
        return;
      }
      this.socket.once('close', onClose);
      this.socket.once('data', (text: string) => {
        this.socket.off('close', onClose);
        resolve(text.split('\r\n', 1)[0] ?? '');
      });
      this.socket.write('GET /nothing-here HTTP/1.1\r\nhost: localhost\r\n\r\n');
    });
  }

  close(): void {
    this.socket.destroy();
  }
}
