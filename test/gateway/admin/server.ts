import { rmSync } from 'node:fs';
import * as http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { listenOn } from '../../support/port';
import { isObject } from '../json';
import type { Fault, Faults } from '../faults';
import { plain, Refusal } from '../refusal';
import { htmlPage, type Answer, type Exchange } from './exchange';
import { isAccepted, parseBody, readRaw } from './read-body';
import type { Router } from './router';

export interface LoggedRequest {
  method: string;
  /** With the query. */
  path: string;
  /** 0 where the connection was cut instead of an answer. */
  status: number;
  /** Milliseconds since the epoch, at arrival. */
  at: number;
}

export interface AdminServerOptions {
  router: Router;
  faults: Faults;
  /** Takes one entry for each request, at its answer. */
  log: LoggedRequest[];
  maxBodyBytes: number;
}

const WRITES = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

const KONG_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-credentials': 'true',
};

/** The Admin API's HTTP server: reads, lets faults strike, asks the router, and answers as nginx and Kong do. */
export class AdminServer {
  readonly #server: http.Server;
  readonly #options: AdminServerOptions;
  url = '';
  /** Requests that are not answered yet. */
  underWay = 0;

  constructor(options: AdminServerOptions) {
    this.#options = options;
    this.#server = http.createServer({ keepAliveTimeout: 75_000 }, (request, response) => {
      this.underWay += 1;
      void this.#serve(request, response).finally(() => (this.underWay -= 1));
    });
  }

  /** `127.0.0.1:8001`, port 0 for any, or `unix:/path`. */
  async listen(address: string): Promise<void> {
    const socket = address.startsWith('unix:') ? address.slice('unix:'.length) : null;
    if (socket === null) {
      this.url = `http://127.0.0.1:${await listenOn(this.#server, Number(address.split(':')[1] ?? '0'))}`;
      return;
    }
    rmSync(socket, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject).listen(socket, resolve);
    });
    this.url = address;
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const started = Date.now();
    const { method = 'GET', url: target = '/' } = request;
    const log = (status: number) => this.#options.log.push({ method, path: target, status, at: started });
    const cut = () => {
      log(0);
      request.socket.destroy();
    };
    try {
      const raw = await readRaw(request, this.#options.maxBodyBytes);
      const fault = this.#options.faults.take(method, target);
      if (fault?.delayMs !== undefined) await sleep(fault.delayMs);
      const strikesFirst = fault !== null && fault.afterExecute !== true;
      if (strikesFirst && fault.reset === true) {
        cut();
        return;
      }
      const replaced = fault === null ? null : faultAnswer(fault);
      let answer = strikesFirst ? replaced : null;
      answer ??= await this.#execute(request, target, raw);
      if (fault?.afterExecute === true) {
        if (fault.reset === true) {
          cut();
          return;
        }
        answer = replaced ?? answer;
      }
      log(answer.status);
      send(response, method, answer, started);
    } catch (error) {
      if (response.headersSent || request.socket.destroyed) return;
      // A mistake of this stand-in, not of the one who asks.
      console.error('stand-in gateway:', error);
      log(500);
      send(response, method, { status: 500, body: { message: 'An unexpected error occurred' } }, started);
    }
  }

  async #execute(request: http.IncomingMessage, target: string, raw: Buffer | null): Promise<Answer> {
    if (raw === null) return { ...htmlPage(413, 'Request Entity Too Large'), isFromNginx: true };
    const { method = 'GET', headers } = request;
    const url = new URL(target, 'http://localhost');
    const path = url.pathname.replace(/(?<=.)\/$/, '');
    try {
      const route = this.#options.router.find(path);
      if (route === null) throw plain(404, 'Not found');
      const contentType = headers['content-type'] ?? '';
      const hasBody = WITH_BODY.has(method) && (contentType !== '' || raw.length > 0);
      if (hasBody && !isAccepted(contentType, path)) return htmlPage(415, 'Unsupported Media Type');
      const body = hasBody ? parseBody(contentType, raw) : {};
      if (WRITES.has(method)) await this.#options.faults.runHooks({ method, path, body });
      const exchange: Exchange = { method, path, query: url.searchParams, headers, raw, body };
      return this.#options.router.handle(route, exchange);
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: error.body, headers: error.headers };
      throw error;
    }
  }
}

function faultAnswer(fault: Fault): Answer | null {
  const { status, headers = {}, body } = fault;
  if (status === undefined) return null;
  if (typeof body === 'string') return { status, html: body, headers };
  return { status, headers, body: isObject(body) ? body : { message: http.STATUS_CODES[status] ?? 'error' } };
}

function send(response: http.ServerResponse, method: string, answer: Answer, started: number): void {
  const { status, body, json, html, headers = {}, isFromNginx = false } = answer;
  const text = html ?? json ?? (body === undefined ? null : JSON.stringify(body));
  response.statusCode = status;
  if (!isFromNginx) for (const [name, value] of Object.entries(KONG_HEADERS)) response.setHeader(name, value);
  response.setHeader('server', 'kong/3.9.1');
  response.setHeader('x-kong-admin-latency', Date.now() - started);
  if (isFromNginx) response.setHeader('connection', 'close');
  if (text !== null) {
    const type = html === undefined ? 'application/json; charset=utf-8' : 'text/html; charset=UTF-8';
    response.setHeader('content-type', type);
  }
  if (status !== 204) response.setHeader('content-length', text === null ? 0 : Buffer.byteLength(text));
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  response.end(method === 'HEAD' || text === null ? undefined : text);
}
