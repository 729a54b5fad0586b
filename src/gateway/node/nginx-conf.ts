/** A `server` block of the nginx configuration that Kong writes; only what matters here. */
export interface NginxServer {
  /** `kong`, `kong_admin`, `kong_status`; empty for the stream proxy. */
  name: string;
  /** Values of the `listen` directives. */
  listens: string[];
  certificates: { cert: string; key: string }[];
  /** It only reads the beginning of a TLS handshake, which another server of this file terminates. */
  isPreread: boolean;
}

/** Kong's own files have a thousand. */
const MAX_LINES = 10_000;

const linesOf = (text: string) => text.split('\n', MAX_LINES);

/**
 * The servers in a file made by Kong's templates (kong/templates/nginx_kong.lua, nginx_kong_stream.lua): each
 * begins and ends at column 0, and Lua inside may contain braces.
 */
export function parseServers(text: string): NginxServer[] {
  const servers: NginxServer[] = [];
  let body: string[] | null = null;
  for (const line of linesOf(text)) {
    if (/^server\s*\{/.test(line)) body = [];
    else if (line.startsWith('}')) {
      if (body !== null) servers.push(toServer(body));
      body = null;
    } else body?.push(line);
  }
  return servers;
}

function toServer(lines: readonly string[]): NginxServer {
  const values = (name: string) => valuesOf(lines, name);
  const keys = values('ssl_certificate_key');
  return {
    name: values('server_name')[0] ?? '',
    listens: values('listen'),
    certificates: values('ssl_certificate').flatMap((cert, index) => {
      const key = keys[index];
      return key === undefined ? [] : { cert, key };
    }),
    isPreread: values('ssl_preread').includes('on'),
  };
}

/** Number of workers in nginx.conf; null: as many as processors. */
export function parseWorkers(text: string): number | null {
  const [, count] = /^worker_processes\s+(\d+);/m.exec(text) ?? [];
  return count === undefined ? null : Number(count);
}

/** A setting of the proxy: from the first server, else from the whole file. */
export function settingIn(text: string, name: string): string | undefined {
  const lines = linesOf(text);
  const start = lines.findIndex((line) => /^server\s*\{/.test(line));
  const end = lines.findIndex((line, index) => index > start && line.startsWith('}'));
  const proxy = start === -1 || end === -1 ? [] : lines.slice(start, end);
  return valuesOf(proxy, name)[0] ?? valuesOf(lines, name)[0];
}

/** Values of every directive of this name. */
function valuesOf(lines: readonly string[], name: string): string[] {
  const pattern = new RegExp(`^\\s*${name}\\s([^;]*);`);
  return lines.flatMap((line) => pattern.exec(line)?.[1]?.trim() ?? []);
}
