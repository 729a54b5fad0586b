import { execFile, spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { startGateway } from '../test/gateway';

const run = promisify(execFile);

/** Settings with which a gateway is started. */
export interface Site {
  /** Gets its prefix. */
  folder: string;
  /** Its declarative configuration. */
  config: string;
  ports: { tls: number; admin: number };
  /** Gets each line of the plugin's log. */
  show: (line: string) => void;
}

/** The repository's own kong.yml, with these places instead of those in a container. */
export const declarative = (certs: string, statusPort: number) =>
  readFileSync('kong.yml', 'utf8')
    .replace('/etc/kong/certs', certs)
    .replace('0.0.0.0:8110', `127.0.0.1:${statusPort}`);

export const prefixIn = (folder: string) => join(folder, 'prefix');

/** A real Kong on the PATH; null: there is none. */
export function findKong(): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, 'kong')).find((path) => existsSync(path)) ?? null;
}

/** @returns what stops it */
export const start = (kong: string | null, site: Site): Promise<() => Promise<void>> =>
  kong === null ? startStandIn(site) : startKong(kong, site);

const serverCommand = () =>
  `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')}`;

async function startStandIn({ folder, config, ports, show }: Site): Promise<() => Promise<void>> {
  const prefix = prefixIn(folder);
  const gateway = await startGateway({
    mode: 'dbless',
    prefix,
    declarativeConfig: config,
    tlsPort: ports.tls,
    adminListen: `127.0.0.1:${ports.admin}`,
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

async function startKong(kong: string, { folder, config, ports, show }: Site): Promise<() => Promise<void>> {
  const prefix = prefixIn(folder);
  const conf = join(folder, 'kong.conf');
  writeFileSync(
    conf,
    [
      'database = off',
      `declarative_config = ${config}`,
      `proxy_listen = 127.0.0.1:${ports.tls} ssl`,
      `admin_listen = 127.0.0.1:${ports.admin}`,
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
  await run(kong, ['start', '-c', conf, '-p', prefix]);
  const log = spawn('tail', ['-n', '+1', '-F', join(prefix, 'logs', 'error.log')], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  log.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.split('\n')) {
      const found = /\[ssl-cert-reloader:\d+\] (\{.*\})/.exec(line);
      if (found?.[1] !== undefined) show(found[1]);
    }
  });
  return async () => {
    log.kill();
    await run(kong, ['stop', '-p', prefix]);
  };
}
