import { httpServer } from './https-server';

export interface Intercepted {
  status: number;
  body: object;
  headers?: Record<string, string>;
}

/** Answers in place of the Admin API; null: passes the request on. */
export type Intercept = (method: string, path: string) => Intercepted | null | Promise<Intercepted | null>;

export interface AdminFront {
  url: string;
  /** Address that requests are forwarded to. */
  target: string | null;
  intercept: Intercept;
}

/** A gateway of requests in front of the Admin API, as companies have; it ends with the test. */
export async function adminFront(): Promise<AdminFront> {
  const front: AdminFront = { url: '', target: null, intercept: () => null };
  const { url } = await httpServer(async ({ method, path, headers, body }, response) => {
    const own = await front.intercept(method, path);
    if (own !== null) {
      response.writeHead(own.status, { 'content-type': 'application/json', ...own.headers });
      response.end(JSON.stringify(own.body));
      return;
    }
    if (front.target === null) {
      response.writeHead(502).end();
      return;
    }
    const type = headers['content-type'];
    try {
      const answer = await fetch(front.target + path, {
        method,
        ...(body === '' ? {} : { body, headers: { 'content-type': type ?? 'application/json' } }),
      });
      const bytes = Buffer.from(await answer.arrayBuffer());
      const shown = answer.headers.get('content-type') ?? 'text/plain';
      response.writeHead(answer.status, { 'content-type': shown }).end(bytes);
    } catch {
      // Kong ends with the test.
      response.destroy();
    }
  });
  front.url = url;
  return front;
}
