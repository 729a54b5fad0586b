import { request } from 'node:http';

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export type Address = { socketPath: string } | { host: string; port: number };

/** One HTTP request over a unix socket or TCP, on a connection of its own. */
export function ask(
  to: Address,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...to, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** For a request over a connection of its own: Kong closes kept ones when it is reloaded or restarted. */
export const onItsOwn = (body: unknown): RequestInit =>
  body === undefined
    ? { headers: { connection: 'close' } }
    : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', connection: 'close' } };
