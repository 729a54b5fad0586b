import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { Authority } from '../src/authority/authority';
import { declarative, findKong, prefixIn, start } from './gateways';

/** The usual ports; where one is taken, the system gives another. */
const PORTS = { tls: 8443, admin: 8001, status: 8110 };
const say = (line = '') => process.stdout.write(`${line}\n`);

/** A gateway that follows ./certs until it is interrupted: a real Kong where there is one, else the stand-in. */
export async function interactive(): Promise<void> {
  const certs = resolve('certs');
  prepare(certs);
  const folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-'));
  try {
    await follow(certs, folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function follow(certs: string, folder: string): Promise<void> {
  const ports = {
    tls: await freePort(PORTS.tls),
    admin: await freePort(PORTS.admin),
    status: await freePort(PORTS.status),
  };
  const config = join(folder, 'kong.yml');
  writeFileSync(config, declarative(certs, ports.status));
  const kong = findKong();
  const counts = new Map<string, number>();
  const show = (line: string) => {
    const event = toEvent(line);
    if (event === null) return;
    counts.set(event.message, (counts.get(event.message) ?? 0) + 1);
    say(event.text);
  };
  const ended = interruption();
  greet({ kong, certs, ports, prefix: prefixIn(folder) });
  const stop = await start(kong, { folder, config, ports, show });
  await ended;
  say('\nstopping …');
  await stop();
  const count = (word: string) =>
    [...counts].reduce((sum, [message, times]) => (message.includes(word) ? sum + times : sum), 0);
  say(
    `created ${count('certificate created')}, swapped ${count('certificate swapped')}, refused ${count('bundle refused')}; ` +
      `${shown(certs)} stays as it is. README.md says how to put the plugin into a Kong of yours`,
  );
}

/** Resolves with the first Ctrl-C; a second one does not wait. */
function interruption(): Promise<void> {
  return new Promise((resolve) => {
    let isAsked = false;
    const end = () => {
      if (isAsked) process.exit(130);
      isAsked = true;
      resolve();
    };
    process.on('SIGINT', end).on('SIGTERM', end);
  });
}

interface Scene {
  kong: string | null;
  certs: string;
  ports: typeof PORTS;
  prefix: string;
}

function greet({ kong, certs, ports, prefix }: Scene): void {
  const folder = shown(certs);
  const files = readdirSync(certs).filter((name) => !name.startsWith('.'));
  say(`  gateway   ${kong ?? 'stand-in for Kong (no kong on the PATH)'}, TLS on 127.0.0.1:${ports.tls}
  page      http://127.0.0.1:${ports.status}
  folder    ${folder} with ${files.join(', ')}

In another terminal, in this folder, make a certificate (without the last -addext it would be a CA, which is refused):

  openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=shop.example.test \\
    -addext subjectAltName=DNS:shop.example.test -addext basicConstraints=critical,CA:FALSE \\
    -keyout ${folder}/shop.key -out ${folder}/shop.crt

Type the same again for a renewal. A key of another pair is refused, and the last good certificate stays:

  cp ${folder}/localhost.key ${folder}/shop.key

See what is served, and ask the plugin. plan, doctor, history and the other commands need the same -p:

  openssl s_client -connect 127.0.0.1:${ports.tls} -servername shop.example.test </dev/null | openssl x509 -noout -subject -dates
  dist/ssl-cert-reloader.cjs status -p ${prefix}

Ctrl-C ends it.
`);
}

const shown = (path: string) => relative('.', path) || '.';

/** @returns the port, or another one where somebody listens there */
async function freePort(port: number): Promise<number> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return freePort(0);
  }
  const found = (server.address() as AddressInfo).port;
  server.close();
  await once(server, 'close');
  return found;
}

function prepare(certs: string): void {
  mkdirSync(certs, { recursive: true });
  if (readdirSync(certs).some((name) => !name.startsWith('.'))) return;
  const issued = Authority.root()
    .intermediate()
    .issue({ names: ['localhost'] });
  writeFileSync(join(certs, 'localhost.crt'), issued.chain);
  writeFileSync(join(certs, 'localhost.key'), issued.key, { mode: 0o600 });
}

/** A log line of the plugin, for a person; null: it is none. */
function toEvent(line: string): { message: string; text: string } | null {
  let fields: Record<string, string | undefined>;
  try {
    fields = JSON.parse(line) as Record<string, string | undefined>;
  } catch {
    return null;
  }
  const { time = '', message = '', location, detail, listen, fingerprint_sha256: print = '' } = fields;
  const what =
    detail ?? listen ?? (location === undefined ? '' : `${shown(location)} (${print.slice(0, 11)}…)`);
  const clock = new Date(time).toTimeString().slice(0, 8);
  return { message, text: `${clock}  ${message}  ${what.replaceAll(`${process.cwd()}/`, '')}`.trimEnd() };
}
