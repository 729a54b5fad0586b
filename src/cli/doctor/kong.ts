import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { promisify } from 'node:util';
import { UnreachableError, handshake } from '../../verify';
import { listenersOf } from '../../app/listeners';
import { completeConfig } from '../../app/config';
import { errorLogOf } from '../../gateway';
import { bodyRoom, megabytes, raise } from '../body-size';
import { adviceOnAdmin } from './advice';
import type { Check } from './check';
import type { DoctorContext } from './context';
import { isManagedOutside } from './wiring';

/** Checks that the Admin API answers, and who else can reach it. */
export function checkAdmin({ kong, settings, prefix }: DoctorContext, check: Check): void {
  if (kong instanceof Error) {
    check.fail(kong.message, adviceOnAdmin(kong));
  } else check.ok(`${kong.client.url} answers (address from ${kong.foundBy})`);
  if (settings instanceof Error) {
    // The check of the prefix says it already.
    if (kong instanceof Error && kong.message.includes(settings.message)) return;
    check.warn(settings.message, `run it where Kong's prefix ${prefix} can be read`);
    return;
  }
  const open = (settings.get('admin_listen') ?? 'off')
    .split(',')
    .map((item) => item.trim().split(/\s+/, 1)[0] ?? '')
    .filter((address) => !/^(off|unix:.*|127\..*|localhost:.*|\[::1\]:.*|)$/.test(address));
  if (open.length === 0) return;
  check.warn(
    `admin_listen = ${open.join(', ')} is open to the network; the Admin API hands out private keys`,
    'bind it to 127.0.0.1, or let a firewall or NetworkPolicy and RBAC guard it',
  );
}

const SUPPORTED = { from: [3, 4], to: [3, 9] } as const;

/** Checks Kong's version. `GET /` answers 500 where Kong manages a plugin server, so the Server header is read. */
export async function checkVersion({ kong }: DoctorContext, check: Check): Promise<void> {
  const version =
    (kong instanceof Error ? null : await versionByHeader(kong.client)) ?? (await versionByCommand());
  if (version === null) {
    check.warn(
      'its version is not known (no Server header, no `kong version`)',
      'check that it is 3.4 to 3.9',
    );
    return;
  }
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const number = major * 1000 + minor;
  const [from, to] = [SUPPORTED.from, SUPPORTED.to].map(([a, b]) => a * 1000 + b) as [number, number];
  if (number < from) check.fail(`version ${version}`, 'the plugin needs Kong 3.4 or later');
  else if (number > to)
    check.warn(`version ${version} is newer than what was tested`, 'run `ssl-cert-reloader drill`');
  else check.ok(`version ${version}`);
}

type Client = Exclude<DoctorContext['kong'], Error>['client'];

async function versionByHeader(client: Client): Promise<string | null> {
  const { headers } = await client.get('/status');
  return /kong\/(\d+\.\d+[\d.]*)/.exec(String(headers.server ?? ''))?.[1] ?? null;
}

async function versionByCommand(): Promise<string | null> {
  try {
    const { stdout: text } = await promisify(execFile)('kong', ['version'], { timeout: 3_000 });
    return /(\d+\.\d+[\d.]*)/.exec(text)?.[1] ?? null;
  } catch {
    return null;
  }
}

/** Database or not, and the role in a hybrid deployment. */
export function checkMode({ kong, settings }: DoctorContext, check: Check): void {
  const role = settings instanceof Error ? 'traditional' : (settings.get('role') ?? 'traditional');
  if (role === 'data_plane') {
    check.fail(
      'this is a data plane: its Admin API takes no certificates',
      'run `ssl-cert-reloader run` against the Admin API of the control plane',
    );
  } else if (role === 'control_plane') {
    check.warn(
      'this is a control plane: it starts no plugin server and terminates no TLS',
      'run `ssl-cert-reloader run` here, with the data planes in verify.listeners',
    );
  } else if (kong instanceof Error) check.skip('Kong does not answer');
  else check.ok(kong.gateway.traits.sharesDatabase ? 'with a database' : 'without a database');
}

/** Makes a handshake with each listener that proofs would ask. */
export async function checkListeners({ kong, configs }: DoctorContext, check: Check): Promise<void> {
  if (kong instanceof Error) {
    check.skip('Kong does not answer');
    return;
  }
  const listeners = listenersOf(configs[0]?.config ?? completeConfig({}), kong);
  if (listeners.length === 0) {
    check.warn(
      'there is no TLS listener to ask: swaps are made and not proven',
      'give proxy_listen an ssl port, or name the listeners in verify.listeners',
    );
  }
  const ask = async ({ host, port, proxyProtocol }: (typeof listeners)[number]) => {
    const where = `${host}:${port}`;
    try {
      await handshake({ host, port, proxyProtocol, servername: null, timeoutMs: 5_000 });
      check.ok(`${where} answers handshakes`);
    } catch (error) {
      const isAway = error instanceof UnreachableError;
      check.fail(
        `${where}: ${(error as Error).message}`,
        isAway
          ? 'is the port open from here? A container needs its own address in verify.listeners'
          : 'try `openssl s_client -connect` there; Kong may have no certificate for clients without SNI',
      );
    }
  };
  await Promise.all(listeners.map(ask));
}

const SHOWN = ['debug', 'info'];

/** Checks whether the plugin's log lines can be seen. */
export function checkLog({ settings, prefix, configs, isFile }: DoctorContext, check: Check): void {
  const files = configs.flatMap(({ config }) => config.log.file ?? []);
  if (files.length > 0) check.ok(`lines go to ${files.join(', ')}`);
  if (isFile || (!(settings instanceof Error) && isManagedOutside(settings, prefix))) {
    check.ok('`run` writes its lines to its own standard error');
    return;
  }
  const level = settings instanceof Error ? undefined : (settings.get('log_level') ?? 'notice');
  if (level === undefined) check.skip("Kong's log level is not known");
  else if (SHOWN.includes(level))
    check.ok(`log_level = ${level} shows the plugin's lines in Kong's error log`);
  else if (files.length === 0) {
    const log = errorLogOf(prefix);
    const isShown = ['notice', 'warn'].includes(level);
    if (isShown && (log === null || isWritable(log)))
      check.ok(
        `log_level = ${level} shows its warnings and errors; for all lines set log_level = info, or log.file`,
      );
    else
      check.warn(
        isShown
          ? `${log ?? ''} belongs to another user: warnings of the plugin go to the journal (journalctl -u kong), or nowhere`
          : `log_level = ${level} hides the plugin's lines`,
        "set log_level = info, or log.file in its config; or give Kong's log to the user of its workers",
      );
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Compares the clocks of Kong and of this machine, to a second. */
export async function checkClock({ kong }: DoctorContext, check: Check): Promise<void> {
  if (kong instanceof Error) {
    check.skip('Kong does not answer');
    return;
  }
  const before = Date.now();
  const { headers } = await kong.client.get('/status');
  const middle = (before + Date.now()) / 2;
  const theirs = Date.parse(headers.date ?? '');
  if (Number.isNaN(theirs)) {
    check.skip('Kong sent no Date');
    return;
  }
  // The header has whole seconds, rounded down.
  const seconds = Math.round(Math.max(0, Math.abs(theirs + 500 - middle) - 500) / 1000);
  const detail = `the clocks of Kong and of this machine are ${seconds} s apart`;
  const fix = 'have NTP set both: dates decide what is expired and what is newer';
  if (seconds < 2) check.ok(detail);
  else if (seconds < 60) check.warn(detail, fix);
  else check.fail(detail, fix);
}

/** Without a database a swap posts the whole configuration, which must fit. */
export async function checkBodySize({ kong, settings }: DoctorContext, check: Check): Promise<void> {
  if (kong instanceof Error || !kong.gateway.traits.writesWhole) {
    check.skip(kong instanceof Error ? 'Kong does not answer' : 'only without a database');
    return;
  }
  const room = await bodyRoom(kong.client, settings instanceof Error ? undefined : settings);
  const { size, limit } = room;
  const detail = `the configuration has ${megabytes(size)} of ${megabytes(limit)} that the Admin API takes; \`plan\` says whether what would be created fits`;
  if (limit === 0 || size < limit * 0.8) check.ok(limit === 0 ? 'the Admin API takes any size' : detail);
  else if (size < limit) check.warn(detail, raise(room));
  else check.fail(detail, raise(room));
}
