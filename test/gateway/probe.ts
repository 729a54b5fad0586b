import * as http from 'node:http';
import { connect, type ConnectionOptions } from 'node:tls';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Json } from './json';

/** Shakes hands without session reuse. @returns the leaf's common name and serial number, or rejects */
export function handshake(port: number, serverName?: string, options: ConnectionOptions = {}): Promise<Leaf> {
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ...(serverName === undefined ? {} : { servername: serverName }),
      ...options,
    });
    socket.once('secureConnect', () => {
      const { subject, serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      resolve({ name: String(subject.CN), serial: serialNumber });
    });
    socket.once('error', reject);
    socket.once('close', () => {
      reject(new Error('closed before the handshake was over'));
    });
  });
}

export interface Leaf {
  name: string;
  serial: string;
}

export interface AdminAnswer {
  status: number;
  headers: http.IncomingHttpHeaders;
  body: Json;
}

/** One request to an Admin API, by TCP or `unix:/path`. */
export function ask(url: string, method: string, path: string, body?: unknown): Promise<AdminAnswer> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? null : JSON.stringify(body);
    const request = http.request({
      ...(url.startsWith('unix:')
        ? { socketPath: url.slice('unix:'.length) }
        : { host: '127.0.0.1', port: new URL(url).port }),
      method,
      path,
      agent: false,
      headers:
        text === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let content = '';
      response.setEncoding('utf8').on('data', (part: string) => (content += part));
      response.on('end', () => {
        const isJson = response.headers['content-type']?.includes('json') === true;
        const parsed = isJson && content !== '' ? (JSON.parse(content) as Json) : content;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: parsed });
      });
      response.on('error', reject);
    });
    request.end(text ?? undefined);
  });
}

/** Waits until `look` finds something. @throws Error when it does not within 60 s */
export async function eventually<T>(look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = Date.now() + 60_000;
  while (Date.now() < deadline) {
    const found = await look();
    if (found !== null && found !== undefined && found !== false) return found;
    await sleep(20);
  }
  throw new Error('did not happen within 60 s');
}
