import { rmSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { pluginSocket, servePlugin, surviveEverything } from '../app/serve';
import { Supervisor, type OwnEntries } from '../app/supervisor';
import type { PluginEntry } from '../model';
import { stderrLogger, type LogHub } from '../report';
import { readConfigFile, type NamedConfig } from './configs';
import type { KongOptions } from './options';

export interface RunOptions extends KongOptions {
  config?: string;
  servePlugin?: boolean;
  socket?: string;
}

/** The longest that a pass is waited for at the end; Kubernetes kills after 30 s. */
const DRAIN_MS = 25_000;

/** Runs until it is told to end. @throws Error where it cannot begin: a wrong file, a socket that cannot be had */
export async function run(options: RunOptions): Promise<void> {
  const logger = stderrLogger();
  const { config: file, prefix, adminUrl, allowHttp } = options;
  const own = file === undefined ? undefined : new FileEntries(file);
  const isServing = options.servePlugin === true || options.socket !== undefined;
  const socket = isServing ? await PluginSocket.open(options.socket ?? pluginSocket(prefix), logger) : null;
  surviveEverything(logger);
  const start = () => {
    const supervisor = new Supervisor({
      location: { prefix, adminUrl, allowHttp },
      logger,
      onPoll: () => void socket?.restore(),
      ...(own === undefined ? {} : { own }),
    });
    supervisor.start();
    return supervisor;
  };
  let supervisor = start();
  process.on('SIGHUP', () => {
    if (own === undefined) supervisor.request('trigger');
    else if (reread(own, logger) === 'another Kong') {
      const before = supervisor;
      supervisor = start();
      void before.stop();
    } else supervisor.request('trigger');
  });
  await ending();
  logger.log('info', 'stopping; a pass that is under way is finished');
  await Promise.race([supervisor.stop(), sleep(DRAIN_MS, undefined, { ref: false })]);
  socket?.close();
  await logger.close();
  process.exit(0);
}

/** Resolves with the first signal to end; a second one does not wait. */
function ending(): Promise<void> {
  return new Promise((resolve) => {
    let isAsked = false;
    const end = () => {
      if (isAsked) process.exit(1);
      isAsked = true;
      resolve();
    };
    process.on('SIGTERM', end).on('SIGINT', end);
  });
}

/** The configurations of a file as entries; a file that is broken leaves them as they were. */
class FileEntries implements OwnEntries {
  #entries: readonly PluginEntry[];
  admin: OwnEntries['admin'];

  /** @throws Error saying where the file is wrong */
  constructor(private readonly path: string) {
    const { entries, admin } = load(path);
    this.#entries = entries;
    this.admin = admin;
  }

  readonly read = () => this.#entries;

  /** @returns whether another Kong is named now @throws Error saying where the file is wrong */
  reread(): boolean {
    const { entries, admin } = load(this.path);
    const isAnother = JSON.stringify(admin) !== JSON.stringify(this.admin);
    this.#entries = entries;
    this.admin = admin;
    return isAnother;
  }
}

function load(path: string): { entries: PluginEntry[]; admin: OwnEntries['admin'] } {
  const configs = readConfigFile(path);
  const admins = new Set(configs.map(({ config }) => JSON.stringify(config.admin)));
  if (admins.size > 1) {
    throw new Error(`${path}: its items have different admin; give every Kong a process of its own`);
  }
  const { admin } = (configs[0] as NamedConfig).config;
  const entries = configs.map(({ entry, config }) => ({ id: entry, enabled: true, scope: null, config }));
  return { entries, admin };
}

function reread(own: FileEntries, logger: LogHub): 'another Kong' | 'same Kong' {
  try {
    const isAnother = own.reread();
    logger.log('info', 'the configuration file was read again');
    return isAnother ? 'another Kong' : 'same Kong';
  } catch (error) {
    logger.log('error', 'the configuration file is wrong; the previous configuration stays', {
      error: (error as Error).message,
    });
    return 'same Kong';
  }
}

/** Kong's calls on a socket that goes away with the process, unless a successor has taken the name. */
class PluginSocket {
  private constructor(
    private readonly path: string,
    private readonly logger: LogHub,
    private server: Server,
    private ino: number,
  ) {}

  /** @throws Error with a sentence that says what to do */
  static async open(path: string, logger: LogHub): Promise<PluginSocket> {
    const server = await servePlugin(path, logger);
    return new PluginSocket(path, logger, server, statSync(path).ino);
  }

  /** An older Kong removes every socket of its prefix when it starts. */
  async restore(): Promise<void> {
    if (statSync(this.path, { throwIfNoEntry: false }) !== undefined) return;
    try {
      const next = await servePlugin(this.path, this.logger);
      this.server.close();
      this.server = next;
      this.ino = statSync(this.path).ino;
    } catch (error) {
      this.logger.log('warn', 'the socket is gone and cannot be had again', {
        file: this.path,
        error: (error as Error).message,
      });
    }
  }

  close(): void {
    this.server.close();
    if (statSync(this.path, { throwIfNoEntry: false })?.ino === this.ino) rmSync(this.path, { force: true });
  }
}
