import type { IncomingHttpHeaders } from 'node:http';
import type { Json, JsonObject } from '../json';

/** One request to the Admin API. */
export interface Exchange {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  raw: Buffer;
  /** The parsed JSON or form; empty where the body is neither. */
  body: JsonObject;
}

export interface Answer {
  status: number;
  body?: Json;
  /** Instead of `body`: already serialized JSON. */
  json?: string;
  /** Instead of `body`: one of nginx's own pages. */
  html?: string;
  headers?: Record<string, string>;
  /** Leaves out what Kong itself adds: nginx answered alone and closes the connection. */
  isFromNginx?: boolean;
}

export type Handler = (exchange: Exchange, ...keys: string[]) => Answer;
/** Handlers of one path, by method. */
export type Endpoint = Partial<Record<string, Handler>>;

export function htmlPage(status: number, title: string): Answer {
  const head = `${status} ${title}`;
  const lines = [
    `<html>`,
    `<head><title>${head}</title></head>`,
    `<body>`,
    `<center><h1>${head}</h1></center>`,
    `</body>`,
    `</html>`,
  ];
  return { status, html: lines.map((line) => `${line}\r\n`).join('') };
}
