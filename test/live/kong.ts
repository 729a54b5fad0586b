import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { KongMode, LogLine, StartKong, TestKong } from '../scenarios/kong';
import { eventually } from '../support/eventually';
import { freePort } from '../support/port';
import { settingsOf } from './settings';

/** Settings to start a real Kong; see `npm run test:live -- --help`. */
export interface LiveSettings {
  /** The `kong` executable. */
  kong: string;
  /** kong.conf lines for a database, e.g. `pg_host = …`; without them the stories with a database are skipped. */
  database: string[];
  /** The database as a URL. */
  pg?: string;
}

export function liveSettings(): LiveSettings | null {
  const kong = process.env['LIVE_KONG'];
  if (kong === undefined || kong === '') return null;
  return settingsOf(kong, process.env['LIVE_PG']);
}

/** @throws Error with what the command says */
type Run = (...args: string[]) => Promise<unknown>;

/** Starts real Kongs, each with a prefix of its own and listeners on loopback alone. */
export function realKong({ kong, database }: LiveSettings): StartKong {
  const run: Run = (...args) => promisify(execFile)(kong, args);

  return async ({
    mode,
    declarativeConfig,
    defaultCertificate: files,
    pluginArguments = [],
    pluginLauncher = '',
    beside,
    isLua = false,
    lines: further = [],
  }): Promise<TestKong> => {
    const folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-live-'));
    const prefix = join(folder, 'prefix');
    const conf = join(folder, 'kong.conf');
    const [tlsPort, adminPort] = [await freePort(), await freePort()];
    const path = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin`;
    const command = resolve('dist/ssl-cert-reloader.cjs');
    const server = pluginLauncher === '' ? [path, command] : [path, pluginLauncher, command];
    const lines = [
      `proxy_listen = 127.0.0.1:${tlsPort} ssl`,
      `admin_listen = 127.0.0.1:${adminPort}`,
      'admin_gui_listen = off',
      'status_listen = off',
      'anonymous_reports = off',
      'nginx_worker_processes = 2',
      'log_level = info',
      // Started by root, Kong's workers would be another user, who may not enter the folder.
      ...(process.getuid?.() === 0 ? ['nginx_user = root root'] : []),
      'plugins = bundled,ssl-cert-reloader',
      ...(isLua
        ? [`lua_package_path = ${resolve('dist')}/?.lua;;`]
        : [
            'pluginserver_names = ssl-cert-reloader',
            `pluginserver_ssl_cert_reloader_start_cmd = ${[...server, '-p', prefix, ...pluginArguments].join(' ')}`,
            `pluginserver_ssl_cert_reloader_query_cmd = ${path} ${command} -dump`,
          ]),
      ...further,
      ...(files === undefined ? [] : [`ssl_cert = ${files.cert}`, `ssl_cert_key = ${files.key}`]),
      ...modeLines(mode, folder, declarativeConfig, database),
    ];
    writeFileSync(conf, `${lines.join('\n')}\n`);
    const start = () => run('start', '-c', conf, '-p', prefix);
    try {
      if (mode === 'database' && beside === undefined)
        await emptyDatabase((...args) => run('migrations', ...args, '-c', conf, '-p', prefix));
      await start();
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    const output = () => {
      const path = join(prefix, 'logs', 'error.log');
      const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
      return text
        .split('\n')
        .filter((line) => line.includes('[ssl-cert-reloader:'))
        .join('\n');
    };
    return {
      mode,
      adminUrl: `http://127.0.0.1:${adminPort}`,
      tlsPort,
      prefix,
      output,
      log: () => parseLog(output()),
      pluginServerPid: () => findPluginServer(prefix),
      restart: async (meanwhile) => {
        await stopAndWait(run, prefix);
        await meanwhile?.();
        await start();
      },
      stop: async () => {
        await stopAndWait(run, prefix);
        rmSync(folder, { recursive: true, force: true });
      },
    };
  };
}

/** `kong stop` only sends a signal: until the master has ended, its ports are taken. */
async function stopAndWait(run: Run, prefix: string): Promise<void> {
  const pidFile = join(prefix, 'pids', 'nginx.pid');
  const master = readFileSync(pidFile, 'utf8').trim();
  if (isRunning(master)) await run('stop', '-p', prefix);
  // One that a test has killed may stay in the table of processes, where Kong takes it for running.
  else rmSync(pidFile);
  await eventually('the master of nginx has ended', () => !isRunning(master));
}

/** A killed process stays in the table until whoever started it has looked. */
function isRunning(pid: string): boolean {
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

async function emptyDatabase(migrations: Run): Promise<void> {
  // A reset fails where there is nothing to reset; bootstrapping what is there changes nothing.
  await migrations('bootstrap');
  await migrations('reset', '--yes');
  await migrations('bootstrap');
}

function modeLines(mode: KongMode, folder: string, config: string | undefined, database: string[]): string[] {
  if (mode === 'database') return ['database = postgres', ...database];
  if (config === undefined) return ['database = off'];
  const path = existsSync(config) ? config : join(folder, 'kong.yml');
  if (path !== config) writeFileSync(path, config);
  return ['database = off', `declarative_config = ${path}`];
}

function parseLog(output: string): LogLine[] {
  return output.split('\n').flatMap((line) => {
    // Kong cuts nothing off, but appends its own context to the line.
    const found = /\[ssl-cert-reloader:\d+\] (\{.*\})/.exec(line)?.[1];
    try {
      return found === undefined ? [] : [JSON.parse(found) as LogLine];
    } catch {
      return [];
    }
  });
}

/** The plugin server's process, found by the prefix in its arguments. */
export function findPluginServer(prefix: string): number | null {
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const words = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (words.some((word) => word.endsWith('ssl-cert-reloader.cjs')) && words.includes(prefix))
        return Number(entry);
    } catch {
      // The process ended between the two looks.
    }
  }
  return null;
}
