import type { Server } from 'node:net';
import { join } from 'node:path';
import { PLUGIN_NAME } from '../common/product';
import { findPrefix } from '../gateway';
import { createServer, listen } from '../plugin-server';
import { stderrLogger, type Logger } from '../report';
import type { ServerArguments } from './arguments';
import { plugin } from './plugin';
import { Supervisor } from './supervisor';

/** Starts the supervisor for the Kong that started this process. */
export function superviseKong(
  { prefix, adminUrl, allowHttp }: ServerArguments,
  logger = stderrLogger(),
): Supervisor {
  const parent = process.ppid;
  const supervisor = new Supervisor({
    location: { prefix: prefix ?? findPrefix(), adminUrl: adminUrl ?? undefined, allowHttp },
    logger,
    // A worker that is killed leaves its plugin server behind, and its successor starts another.
    onPoll: () => {
      if (parent > 1 && process.ppid !== parent) process.exit(0);
    },
  });
  supervisor.start();
  return supervisor;
}

/** The dedicated plugin server: Kong's calls on `<prefix>/ssl-cert-reloader.socket`, the supervisor beside them. */
export async function serve(args: ServerArguments): Promise<void> {
  const logger = stderrLogger();
  surviveEverything(logger);
  const prefix = args.prefix ?? findPrefix();
  await servePlugin(pluginSocket(prefix), logger);
  superviseKong({ ...args, prefix }, logger);
}

/** Where Kong looks for the plugin server. */
export const pluginSocket = (prefix: string): string => join(prefix, `${PLUGIN_NAME}.socket`);

/** Answers Kong's calls on a socket. @throws Error with a sentence that says what to do */
export async function servePlugin(path: string, logger: Logger): Promise<Server> {
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
      `${path} cannot be listened on (${code}): does its folder exist, and may this user write there?`,
      { cause: error },
    );
  }
}

/** The process is one of Kong's: a mistake of ours must cost a log line, not the plugin server. */
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
