import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { Authority } from '../src/authority/authority';
import { startGateway } from '../test/gateway';

const TLS_PORT = 8443;
const ADMIN_PORT = 8001;
const say = (line = '') => process.stdout.write(`${line}\n`);

/** A gateway on 8443 that follows ./certs until it is interrupted: a real Kong where there is one, else the stand-in. */
export async function interactive(): Promise<void> {
  for (const port of [TLS_PORT, ADMIN_PORT]) await expectFree(port);
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
  const config = join(folder, 'kong.yml');
  writeFileSync(config, readFileSync('kong.yml', 'utf8').replace('/etc/kong/certs', certs));
  const kong = findKong();
  const stop = await (kong === null ? startStandIn(folder, config) : startKong(kong, folder, config));
  say(`${kong === null ? 'stand-in for Kong (no kong on the PATH)' : kong}: TLS on 127.0.0.1:${TLS_PORT}`);
  say(`following ${certs}: put NAME.crt and NAME.key there, or renew what is there; Ctrl-C ends it`);
  say(
    `try: openssl s_client -connect 127.0.0.1:${TLS_PORT} -servername localhost </dev/null | openssl x509 -noout -dates`,
  );
  say();
  await new Promise<void>((end) => {
    process.once('SIGINT', end);
    process.once('SIGTERM', end);
  });
  await stop();
}

/** @throws Error with a sentence where somebody listens there, as a rule another Kong */
async function expectFree(port: number): Promise<void> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`port ${port} of 127.0.0.1 cannot be had (${code}): does a Kong listen there?`, {
      cause: error,
    });
  }
  server.close();
  await once(server, 'close');
}

function prepare(certs: string): void {
  mkdirSync(certs, { recursive: true });
  if (readdirSync(certs).length > 0) return;
  const issued = Authority.root()
    .intermediate()
    .issue({ names: ['localhost'] });
  writeFileSync(join(certs, 'localhost.crt'), issued.chain);
  writeFileSync(join(certs, 'localhost.key'), issued.key, { mode: 0o600 });
}

function findKong(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'kong')).find((path) => existsSync(path)) ?? null;
}

const serverCommand = () =>
  `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')}`;

async function startStandIn(folder: string, config: string): Promise<() => Promise<void>> {
  const prefix = join(folder, 'prefix');
  const gateway = await startGateway({
    mode: 'dbless',
    prefix,
    declarativeConfig: config,
    tlsPort: TLS_PORT,
    adminListen: `127.0.0.1:${ADMIN_PORT}`,
    pluginServers: [
      {
        name: 'ssl-cert-reloader',
        queryCommand: `${serverCommand()} -dump`,
        startCommand: `${serverCommand()} -p ${prefix}`,
      },
    ],
  });
  const seen = { lines: 0 };
  const timer = setInterval(() => {
    for (const line of gateway.pluginServerOutput.slice(seen.lines)) show(line);
    seen.lines = gateway.pluginServerOutput.length;
  }, 200);
  return async () => {
    clearInterval(timer);
    await gateway.stop();
  };
}

function startKong(kong: string, folder: string, config: string): Promise<() => Promise<void>> {
  const prefix = join(folder, 'prefix');
  const conf = join(folder, 'kong.conf');
  writeFileSync(
    conf,
    [
      'database = off',
      `declarative_config = ${config}`,
      `proxy_listen = 127.0.0.1:${TLS_PORT} ssl`,
      `admin_listen = 127.0.0.1:${ADMIN_PORT}`,
      'admin_gui_listen = off',
      'status_listen = off',
      'anonymous_reports = off',
      'log_level = info',
      'plugins = bundled,ssl-cert-reloader',
      'pluginserver_names = ssl-cert-reloader',
      `pluginserver_ssl_cert_reloader_start_cmd = ${serverCommand()} -p ${prefix}`,
      `pluginserver_ssl_cert_reloader_query_cmd = ${serverCommand()} -dump`,
      '',
    ].join('\n'),
  );
  execFileSync(kong, ['start', '-c', conf, '-p', prefix], { stdio: 'inherit' });
  const log = spawn('tail', ['-n', '+1', '-F', join(prefix, 'logs', 'error.log')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  log.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) {
      const found = /\[ssl-cert-reloader:\d+\] (\{.*\})/.exec(line);
      if (found?.[1] !== undefined) show(found[1]);
    }
  });
  return Promise.resolve(() => {
    log.kill();
    execFileSync(kong, ['stop', '-p', prefix], { stdio: 'inherit' });
    return Promise.resolve();
  });
}

/** A log line of the plugin, for a person. */
function show(line: string): void {
  let fields: Record<string, string | undefined>;
  try {
    fields = JSON.parse(line) as Record<string, string | undefined>;
  } catch {
    return;
  }
  const { time = '', message = '', location, detail, fingerprint_sha256: fingerprint = '' } = fields;
  const what = detail ?? (location === undefined ? '' : `${location} (${fingerprint.slice(0, 11)}…)`);
  say(`${time.slice(11, 19)}  ${message}  ${what}`.trimEnd());
}
