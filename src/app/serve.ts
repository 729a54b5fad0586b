import { rmSync, statSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PLUGIN_NAME } from '../common/product';
import { safeText } from '../common/safe-text';
import { findPrefix, isLeavingWorker, isWorker, kongErrorLog } from '../gateway';
import { onNotice } from '../http';
import { createServer, listen } from '../plugin-server';
import { stderrLogger, type Logger, type LogHub } from '../report';
import type { ServerArguments } from './arguments';
import { plugin } from './plugin';
import { LockHolder, PrefixLock } from './prefix-lock';
import { Supervisor } from './supervisor';

/** The longest that the end waits for a pass; Kubernetes kills after 30 s. */
export const DRAIN_MS = 25_000;
/** Interval at which the parent process and the lock are checked. */
const LOOK_MS = 300;
const LOCK_MS = 2_500;
/** Pause before a failed start ends: Kong starts a plugin server again at once. */
const RESTART_MS = 30_000;
/** By then a predecessor of the same Kong is gone, unless it is in the middle of a pass. */
const PATIENCE_MS = 5_000;

interface KongChild {
  args: ServerArguments;
  logger: LogHub;
  /** Also answer Kong's calls on its socket; kong-pdk's own server does that itself. */
  isServing: boolean;
}

/**
 * Follows the sources for the Kong that started this process, until that Kong ends or replaces it: a reload starts
 * a successor at once, which waits until this process has finished its pass.
 */
async function superviseKong({ args, logger, isServing }: KongChild): Promise<void> {
  const parent = process.ppid;
  const prefix = args.prefix ?? findPrefix();
  onNotice((text) => logger.log('warn', text));
  const lock = await turnOf(prefix, parent, logger);
  const socket = isServing ? await socketFor(prefix, logger) : null;
  const supervisor = new Supervisor({
    location: { prefix, adminUrl: args.adminUrl ?? undefined, allowHttp: args.allowHttp },
    logger,
    onPoll: () => void socket?.restore(),
  });
  supervisor.start();
  let isEnding = false;
  const end = async (why: string) => {
    if (isEnding) return;
    isEnding = true;
    logger.log('info', why);
    await Promise.race([supervisor.stop(), sleep(DRAIN_MS, undefined, { ref: false })]);
    socket?.close();
    lock?.release();
    // Waits for the worker: Kong 3.9.1 logs an error with a stack trace where a plugin server ends before its
    // worker.
    while (isLeavingWorker(parent) && process.ppid === parent) await sleep(LOOK_MS);
    process.exit(0);
  };
  setInterval(() => {
    if (isAbandoned(parent)) void end('Kong no longer uses this process');
  }, LOOK_MS).unref();
  setInterval(() => {
    void lock?.lostTo().then((holder) => {
      if (holder !== null) void end(holder.sentence);
    });
  }, LOCK_MS).unref();
}

/** True once this process is of no use to Kong: its worker was killed, or is being replaced by a reload. */
const isAbandoned = (parent: number) => isOrphan(parent) || isLeavingWorker(parent);

const isOrphan = (parent: number) => parent > 1 && process.ppid !== parent;

/**
 * Waits for the lock of this prefix.
 * @throws Error naming the holder, where this process is not Kong's own; Kong would start it again each second
 */
async function turnOf(prefix: string, parent: number, logger: LogHub): Promise<PrefixLock | null> {
  const startedAt = Date.now();
  let isSaid = false;
  for (;;) {
    const lock = await PrefixLock.take(prefix);
    if (!(lock instanceof LockHolder)) return lock;
    if (!isWorker(parent)) throw new Error(lock.wayOut);
    if (isOrphan(parent)) process.exit(0);
    if (!isSaid && Date.now() - startedAt > PATIENCE_MS) {
      isSaid = true;
      logger.log('warn', 'another process works for this Kong; this one takes over when that one ends', {
        detail: lock.sentence,
      });
    }
    await sleep(LOOK_MS);
  }
}

/**
 * Opens the socket for Kong's calls. Kong makes none to a plugin without phases, so a failure is logged and
 * renewals go on.
 */
async function socketFor(prefix: string, logger: LogHub): Promise<PluginSocket | null> {
  try {
    return await PluginSocket.open(pluginSocket(prefix), logger);
  } catch (error) {
    logger.log('warn', 'there is no socket for Kong; the plugin works without it', {
      error: (error as Error).message,
    });
    return null;
  }
}

/** Supervises beside kong-pdk's own server, which answers Kong's calls. */
export function followBeside(args: ServerArguments): void {
  const logger = stderrLogger(kongErrorLog(args.prefix ?? findPrefix()));
  superviseKong({ args, logger, isServing: false }).catch((error: unknown) => {
    logger.log('error', 'certificates are not kept up to date', { error: (error as Error).message });
  });
}

/** Logs why a plugin server cannot start, then waits: Kong would start it again each second. */
export async function failStart(error: Error): Promise<void> {
  kongErrorLog(findPrefix())?.('error', `the plugin server cannot start: ${safeText(error.message)}`);
  if (isWorker(process.ppid)) await sleep(RESTART_MS);
}

/** The dedicated plugin server: Kong's calls on `<prefix>/ssl-cert-reloader.socket`, the supervisor beside them. */
export async function serve(args: ServerArguments): Promise<void> {
  const prefix = args.prefix ?? findPrefix();
  const logger = stderrLogger(kongErrorLog(prefix));
  surviveEverything(logger);
  await superviseKong({ args: { ...args, prefix }, logger, isServing: true });
}

/** Path at which Kong looks for the plugin server. */
export const pluginSocket = (prefix: string): string => join(prefix, `${PLUGIN_NAME}.socket`);

/** Kong's calls on a socket that goes away with the process, unless a successor has taken the name. */
export class PluginSocket {
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
      this.logger.log('warn', 'the socket is gone and cannot be created again', {
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

/** Answers Kong's calls on a socket. @throws Error with a sentence that says what to do */
async function servePlugin(path: string, logger: Logger): Promise<Server> {
  const log = {
    debug: (message: string) => logger.log('debug', message),
    info: (message: string) => logger.log('info', message),
    warn: (message: string) => logger.log('warn', message),
    error: (message: string) => logger.log('error', message),
  };
  try {
    return await listen(createServer(plugin, log), path, log);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(
      `cannot listen on ${path} (${code}): does its folder exist, and may this user write there?`,
      { cause: error },
    );
  }
}

/** Logs our mistakes instead of ending the process: it is one of Kong's plugin servers. */
export function surviveEverything(logger: Logger): void {
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  process.on('uncaughtException', (error) => {
    logger.log('error', 'an exception was not handled', { error: error.message, stack: error.stack });
  });
  process.on('unhandledRejection', (reason) => {
    const error = reason instanceof Error ? reason : new Error(String(reason));
    logger.log('error', 'a rejection was not handled', { error: error.message, stack: error.stack });
  });
}
