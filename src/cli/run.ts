import { setTimeout as sleep } from 'node:timers/promises';
import { LockHolder, PrefixLock } from '../app/prefix-lock';
import { DRAIN_MS, PluginSocket, pluginSocket, surviveEverything } from '../app/serve';
import { Supervisor, type OwnEntries } from '../app/supervisor';
import { onNotice } from '../http';
import type { PluginEntry } from '../model';
import { stderrLogger, type LogHub } from '../report';
import { readConfigFile, type NamedConfig } from './configs';
import type { KongOptions } from './options';

export interface RunOptions extends KongOptions {
  config?: string;
  servePlugin?: boolean;
  socket?: string;
}

/**
 * Runs until it is stopped.
 * @throws Error where it cannot begin: a wrong file, a socket in use
 */
export async function run(options: RunOptions): Promise<void> {
  const logger = stderrLogger();
  const { config: file, prefix, adminUrl, allowHttp } = options;
  const own = file === undefined ? undefined : new FileEntries(file);
  const lock = await PrefixLock.take(prefix);
  if (lock instanceof LockHolder) throw new Error(lock.wayOut);
  const isServing = options.servePlugin === true || options.socket !== undefined;
  const socket = isServing ? await PluginSocket.open(options.socket ?? pluginSocket(prefix), logger) : null;
  surviveEverything(logger);
  onNotice((text) => logger.log('warn', text));
  const start = (): Supervisor => {
    const supervisor = new Supervisor({
      location: { prefix, adminUrl, allowHttp },
      logger,
      onPoll: () => void socket?.restore(),
      ...(own === undefined ? {} : { own, reread: () => reread(own) }),
    });
    supervisor.start();
    return supervisor;
  };
  let supervisor = start();
  /** A file that names another Kong gets a new supervisor, after the request that caused the reload was answered. */
  const reread = (entries: FileEntries): string | null => {
    if (entries.reread(logger) === 'another Kong') {
      setTimeout(() => {
        const before = supervisor;
        supervisor = start();
        void before.stop();
      }, 100);
    }
    return entries.problem();
  };
  process.on('SIGHUP', () => void supervisor.reload());
  const holder = await Promise.race([ending(), losing(lock)]);
  if (holder === null) logger.log('info', 'stopping; a pass that is under way is finished');
  else logger.log('error', "another process has taken this one's place", { detail: holder.sentence });
  await Promise.race([supervisor.stop(), sleep(DRAIN_MS, undefined, { ref: false })]);
  socket?.close();
  lock?.release();
  await logger.close();
  process.exit(holder === null ? 0 : 1);
}

const LOCK_MS = 2_500;

/** Resolves when another process has the lock. */
function losing(lock: PrefixLock | null): Promise<LockHolder> {
  return new Promise((resolve) => {
    setInterval(
      () => void lock?.lostTo().then((holder) => holder !== null && resolve(holder)),
      LOCK_MS,
    ).unref();
  });
}

/** Resolves with the first signal to end; a second one ends at once. */
function ending(): Promise<null> {
  return new Promise((resolve) => {
    let isAsked = false;
    const end = () => {
      if (isAsked) process.exit(1);
      isAsked = true;
      resolve(null);
    };
    process.on('SIGTERM', end).on('SIGINT', end);
  });
}

/** The configurations of a file as entries; a broken file leaves the former entries in force. */
class FileEntries implements OwnEntries {
  #entries: readonly PluginEntry[];
  #problem: string | null = null;
  admin: OwnEntries['admin'];

  /** @throws Error saying where the file is wrong */
  constructor(private readonly path: string) {
    const { entries, admin } = load(path);
    this.#entries = entries;
    this.admin = admin;
  }

  readonly read = () => this.#entries;

  readonly problem = () => this.#problem;

  /** Reads the file again; a broken one is logged and leaves the former entries in force. */
  reread(logger: LogHub): 'another Kong' | 'same Kong' {
    try {
      const { entries, admin } = load(this.path);
      const isAnother = JSON.stringify(admin) !== JSON.stringify(this.admin);
      this.#entries = entries;
      this.admin = admin;
      this.#problem = null;
      logger.log('info', 'the configuration file was read again');
      return isAnother ? 'another Kong' : 'same Kong';
    } catch (error) {
      this.#problem = (error as Error).message;
      logger.log('error', 'the configuration file is wrong; the previous configuration stays', {
        error: this.#problem,
      });
      return 'same Kong';
    }
  }
}

function load(path: string): { entries: PluginEntry[]; admin: OwnEntries['admin'] } {
  const configs = readConfigFile(path);
  const admins = new Set(configs.map(({ config }) => JSON.stringify(config.admin)));
  if (admins.size > 1) {
    throw new Error(`${path}: its records have different values of admin; run one process for each Kong`);
  }
  const { admin } = (configs[0] as NamedConfig).config;
  const entries = configs.map(({ entry, config }) => ({ id: entry, enabled: true, scope: null, config }));
  return { entries, admin };
}
