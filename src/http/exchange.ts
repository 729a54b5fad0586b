import * as http from 'node:http';
import type { Agent } from './agent';
import type { Limit } from './limit';

/** Destination of one request. */
export interface Target {
  protocol: string;
  /** As written in a URL. */
  hostname: string;
  /** Empty: the default of the protocol. */
  port: string;
  /** With the query. */
  path: string;
}

interface Exchange {
  agent: Agent;
  target: Target;
  method: string;
  headers: http.OutgoingHttpHeaders;
  body: readonly Uint8Array[] | undefined;
  limit: Limit;
}

/** Most octets of an answer's headers. */
const MAX_HEADER_BYTES = 32 * 1024;
/** Most informational answers (1xx) before the answer. */
const MAX_INTERIM = 20;
/** Methods that may be sent again where a kept connection was just being closed. */
const REPEATABLE = new Set(['GET', 'HEAD']);

/**
 * Sends a request.
 * @returns the answer as soon as its headers are there
 * @throws the error of Node.js
 */
export function send(exchange: Exchange): Promise<http.IncomingMessage> {
  const { agent, target, method, headers, body, limit } = exchange;
  return new Promise((resolve, reject) => {
    const request = http.request(
      {
        agent,
        protocol: target.protocol,
        hostname: target.hostname.replace(/^\[|\]$/g, ''),
        port: target.port === '' ? agent.defaultPort : target.port,
        method,
        path: target.path,
        maxHeaderSize: MAX_HEADER_BYTES,
        headers,
      },
      resolve,
    );
    let interim = 0;
    request.on('information', () => {
      interim += 1;
      if (interim > MAX_INTERIM) request.destroy(Object.assign(new Error(), { code: 'HPE_INTERIM' }));
    });
    request.on('error', (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      if (!isStale || !REPEATABLE.has(method) || limit.isOver) reject(error);
      else resolve(send(exchange));
    });
    limit.stopBy((reason) => request.destroy(reason));
    if (body?.length === 1) request.end(body[0]);
    else {
      for (const piece of body ?? []) request.write(piece);
      request.end();
    }
  });
}
