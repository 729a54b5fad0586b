import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { eventually } from '../../test/support/eventually';
import { freePort } from '../../test/support/port';
import { servedLeaf } from '../../test/support/tls';
import type { Pair } from '../pairs';

/** A server with certificates, on loopback alone. */
export interface Server {
  port: number;
  /** Puts a renewed pair where the server looks for it: what is done before the time is taken. */
  place: (pair: Pair) => void;
  /** Has the server take what was placed; nothing where it finds out by itself. */
  tell: (pair: Pair) => Promise<void> | void;
  stop: () => Promise<void>;
}

export interface Peer {
  name: string;
  /** Skipped where it is not on the PATH. */
  program: string;
  /** Skipped where a real Kong has none. */
  needsDatabase?: boolean;
  start: (folder: string, pairs: readonly Pair[]) => Promise<Server>;
}

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): ChildProcess {
  return spawn(command, args, { stdio: 'ignore', env });
}

function put(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

const ended = (child: ChildProcess) =>
  new Promise<void>((done) => {
    child.once('exit', () => done());
    child.kill('SIGTERM');
  });

/** Certificate and key in one file, named after the pair. */
function pems(folder: string, pairs: readonly Pair[]) {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const path = ({ name }: Pair) => join(certs, `${name}.pem`);
  const place = (pair: Pair) => put(path(pair), `${pair.cert.trim()}\n${pair.key.trim()}\n`);
  pairs.forEach(place);
  return { certs, path, place };
}

/** Certificate and key in a file each. */
function files(folder: string, pairs: readonly Pair[]) {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const place = ({ name, cert, key }: Pair) => {
    put(join(certs, `${name}.key`), key);
    put(join(certs, `${name}.crt`), cert);
  };
  pairs.forEach(place);
  return { certs, place };
}

async function untilUp(port: number, [first]: readonly Pair[]): Promise<void> {
  await eventually('it listens', () => servedLeaf(port, first?.name ?? null), 120_000);
}

async function nginx(folder: string, pairs: readonly Pair[], isByVariable: boolean): Promise<Server> {
  const port = await freePort();
  const { certs, place } = files(folder, pairs);
  const server = (name: string, stem: string) => `server {
    listen 127.0.0.1:${port} ssl; server_name ${name};
    ssl_certificate ${certs}/${stem}.crt; ssl_certificate_key ${certs}/${stem}.key;
    location / { return 200 ok; }
  }`;
  const servers = isByVariable
    ? server('_', '$ssl_server_name')
    : pairs.map(({ name }) => server(name, name)).join('\n');
  const conf = join(folder, 'nginx.conf');
  writeFileSync(
    conf,
    `${process.getuid?.() === 0 ? 'user root;' : ''} worker_processes 2; daemon off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events {}
http { access_log off; server_names_hash_max_size 8192; server_names_hash_bucket_size 128; client_body_temp_path ${folder}/body;
${servers} }`,
  );
  const child = run('nginx', ['-c', conf, '-p', folder]);
  await untilUp(port, pairs);
  return {
    ...{ port, place },
    tell: () => {
      if (!isByVariable) child.kill('SIGHUP');
    },
    stop: () => ended(child),
  };
}

async function haproxy(folder: string, pairs: readonly Pair[], isByReload: boolean): Promise<Server> {
  const port = await freePort();
  const { certs, path, place } = pems(folder, pairs);
  const [conf, socket] = [join(folder, 'haproxy.cfg'), join(folder, 'admin.sock')];
  writeFileSync(
    conf,
    `global
  stats socket ${socket} mode 600 level admin expose-fd listeners
defaults
  mode http
  timeout client 60s
  timeout connect 5s
  timeout server 60s
frontend f
  bind 127.0.0.1:${port} ssl crt ${certs}/
  http-request return status 200 content-type text/plain string ok
`,
  );
  const child = run('haproxy', ['-W', '-f', conf]);
  await untilUp(port, pairs);
  // The master executes itself once more when its worker is up, and loses signals meanwhile.
  await sleep(1_000);
  return {
    ...{ port, place },
    tell: async (pair) => {
      if (isByReload) {
        child.kill('SIGUSR2');
        return;
      }
      const text = `${pair.cert.trim()}\n${pair.key.trim()}\n`.replace(/\n\n+/g, '\n');
      await runtime(socket, `set ssl cert ${path(pair)} <<\n${text}\n`);
      await runtime(socket, `commit ssl cert ${path(pair)}\n`);
    },
    stop: () => ended(child),
  };
}

/** One command to HAProxy's socket. @throws Error where it is refused */
function runtime(path: string, command: string): Promise<void> {
  return new Promise((done, fail) => {
    let said = '';
    const client = connect(path, () => client.end(command));
    client.setEncoding('utf8').on('data', (text: string) => (said += text));
    client.on('error', fail);
    client.on('end', () => {
      if (/updated|created|Success/i.test(said)) done();
      else fail(new Error(`haproxy: ${said}`));
    });
  });
}

async function caddy(folder: string, pairs: readonly Pair[]): Promise<Server> {
  const [port, adminPort] = [await freePort(), await freePort()];
  const { certs, place } = pems(folder, pairs);
  const conf = join(folder, 'caddy.json');
  const server = {
    listen: [`127.0.0.1:${port}`],
    routes: [{ handle: [{ handler: 'static_response', body: 'ok' }] }],
    tls_connection_policies: [{}],
    automatic_https: { disable: true },
  };
  const config = JSON.stringify({
    admin: { listen: `127.0.0.1:${adminPort}` },
    logging: { logs: { default: { level: 'ERROR' } } },
    apps: { http: { servers: { s: server } }, tls: { certificates: { load_folders: [certs] } } },
  });
  writeFileSync(conf, config);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = run('caddy', ['run', '--config', conf], env);
  await untilUp(port, pairs);
  return {
    ...{ port, place },
    tell: async () => {
      // Else it says that nothing has changed.
      const headers = { 'content-type': 'application/json', 'cache-control': 'must-revalidate' };
      const { ok, status } = await fetch(`http://127.0.0.1:${adminPort}/load`, {
        method: 'POST',
        headers,
        body: config,
      });
      if (!ok) throw new Error(`caddy answered ${status}`);
    },
    stop: () => ended(child),
  };
}

async function hitch(folder: string, pairs: readonly Pair[]): Promise<Server> {
  const port = await freePort();
  const { path, place } = pems(folder, pairs);
  const backend = createServer((_, response) => response.end('ok'));
  await new Promise<void>((done) => backend.listen(0, '127.0.0.1', done));
  const conf = join(folder, 'hitch.conf');
  const lines = [
    `frontend = "[127.0.0.1]:${port}"`,
    `backend = "[127.0.0.1]:${(backend.address() as AddressInfo).port}"`,
    'workers = 2',
    'daemon = off',
    // Started as root it reads the keys and needs another user to work as.
    ...(process.getuid?.() === 0 ? ['user = "nobody"', 'group = "nogroup"'] : []),
    ...pairs.map((pair) => `pem-file = "${path(pair)}"`),
  ];
  writeFileSync(conf, `${lines.join('\n')}\n`);
  const child = run('hitch', ['--config', conf]);
  await untilUp(port, pairs);
  return {
    ...{ port, place },
    tell: () => void child.kill('SIGHUP'),
    stop: async () => {
      await ended(child);
      backend.closeAllConnections();
      backend.close();
    },
  };
}

export const PEERS: readonly Peer[] = [
  { name: 'nginx, reload', program: 'nginx', start: (...where) => nginx(...where, false) },
  { name: 'nginx, by variable', program: 'nginx', start: (...where) => nginx(...where, true) },
  { name: 'HAProxy, runtime API', program: 'haproxy', start: (...where) => haproxy(...where, false) },
  { name: 'HAProxy, reload', program: 'haproxy', start: (...where) => haproxy(...where, true) },
  { name: 'Caddy, reload', program: 'caddy', start: caddy },
  { name: 'Hitch, reload', program: 'hitch', start: hitch },
];
