import * as http from 'node:http';
import * as https from 'node:https';
import { isIP, type Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import { HttpFailure, toHttpFailure } from './failure';
import { basicAuthorization, isThisMachine, parseAddress, type Address } from './address';

/** Most octets of a proxy's headers. */
const MAX_HEADER_BYTES = 16 * 1024;

/**
 * Parses the address of a proxy that opens tunnels (`CONNECT`), in which the traffic stays encrypted for the server
 * behind it. The proxy may use plain http itself, unless it requires a password.
 * @param target the server behind it
 * @throws Error with a sentence that does not quote the address: it may hold a password
 */
export function parseProxy(text: string, target: Address): Address {
  if (target.socketPath !== undefined || isThisMachine(target.url.hostname))
    throw new Error('no proxy is needed for what answers on this machine; leave it out');
  const { isHttpAllowed } = target;
  const proxy = parseAddress(text, { allowHttp: true, allowHttpBy: null });
  if (proxy.url.pathname !== '/' || proxy.url.search !== '')
    throw new Error('expected http://host:port or https://host:port');
  if (proxy.isPlain && proxy.login !== null && !isHttpAllowed && !isThisMachine(proxy.url.hostname))
    throw new Error(
      'its user and password would cross the network unencrypted; use an https proxy, or set allow_http',
    );
  return proxy;
}

/**
 * Opens a connection to `host:port` through a proxy.
 * @param ca trusted beside the usual CAs for a proxy with TLS
 * @throws HttpFailure
 */
export function openTunnel(
  { url, login, shown }: Address,
  target: string,
  timeoutMs: number,
  ca: string | Buffer | undefined,
): Promise<Socket> {
  const subject = `the proxy ${shown.replace(/\/$/, '')}`;
  const isSecure = url.protocol === 'https:';
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const request = (isSecure ? https : http).request({
      hostname: host,
      // The default would be the name of the server behind the proxy.
      servername: isIP(host) === 0 ? host : '',
      port: url.port === '' ? (isSecure ? 443 : 80) : url.port,
      method: 'CONNECT',
      path: target,
      headers: {
        host: target,
        ...(login === null ? {} : { 'proxy-authorization': basicAuthorization(login) }),
      },
      agent: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
      rejectUnauthorized: true,
      ...(isSecure && ca !== undefined ? { ca: [...rootCertificates, ca] } : {}),
    });
    const timer = setTimeout(
      () => request.destroy(Object.assign(new Error(), { code: 'ETIMEDOUT' })),
      timeoutMs,
    );
    request.on('connect', ({ statusCode = 0 }, socket, head) => {
      clearTimeout(timer);
      if (statusCode >= 200 && statusCode < 300 && head.length === 0) {
        resolve(socket);
        return;
      }
      socket.destroy();
      reject(refusedByProxy(statusCode, subject, target));
    });
    request.on('error', (error) => {
      clearTimeout(timer);
      const { why, details } = toHttpFailure(error);
      reject(new HttpFailure(`${subject} cannot be reached: ${why}`, details));
    });
    request.end();
  });
}

function refusedByProxy(status: number, subject: string, target: string): HttpFailure {
  const words =
    status === 407
      ? 'does not accept the user and password in proxy, or wants them (407)'
      : status === 403 || status === 405
        ? `does not allow a connection to ${target} (${status})`
        : status >= 500
          ? `cannot reach ${target} (${status})`
          : `does not open a connection to ${target} (${status}); does it support CONNECT?`;
  const kind = status >= 500 || status === 429 ? 'away' : 'forbidden';
  return new HttpFailure(`${subject} ${words}`, { code: 'no_answer', kind });
}
