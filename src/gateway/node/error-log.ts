import { execFile } from 'node:child_process';
import { closeSync, constants, existsSync, openSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readConfiguredFile } from '../../common/configured-file';
import { isWorker } from './processes';

/** nginx's levels, the most severe first. */
const LEVELS = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'];
/** nginx cuts its own lines there, too; a write to a pipe is atomic up to this size. */
const MAX_BYTES = 4_000;
const DEV_LOG = '/dev/log';

/** Writes a line of this level into Kong's error log. */
type KongLog = (level: 'warn' | 'error', line: string) => void;

/**
 * Kong's error log, for a plugin server that Kong started; null: Kong did not start it, or Kong shows its lines
 * anyway. Kong logs the output of plugin servers at level info (kong/runloop/plugin_servers/process.lua), which is
 * hidden by default, so warnings and errors go to nginx's log: the standard error of its workers.
 */
export function kongErrorLog(prefix: string, parent = process.ppid, devLog = DEV_LOG): KongLog | null {
  const shown = LEVELS.indexOf(directiveOf(prefix).level);
  if (!isWorker(parent) || shown >= LEVELS.indexOf('info')) return null;
  return (level, line) => {
    if (LEVELS.indexOf(level) > shown) return;
    try {
      append(`/proc/${parent}/fd/2`, toNginx(level, line.trimEnd()));
    } catch {
      // Started as root, Kong has a log that only root may open. The journal counts the line as one of Kong's unit.
      if (existsSync(devLog)) toSyslog(level, line.trimEnd(), devLog);
    }
  };
}

/** The log file; null: there is none, or it is unknown. */
export function errorLogOf(prefix: string): string | null {
  const { path } = directiveOf(prefix);
  return path === null || /^(syslog:|stderr$|\/dev\/)/.test(path) ? null : resolve(prefix, path);
}

/** `error_log` in the nginx configuration that Kong wrote. */
function directiveOf(prefix: string): { path: string | null; level: string } {
  try {
    const text = readConfiguredFile(join(prefix, 'nginx.conf'));
    const [, path = null, level = 'error'] = /^error_log\s+(\S+)(?:\s+(\w+))?;/m.exec(text) ?? [];
    return { path, level };
  } catch {
    return { path: null, level: 'notice' };
  }
}

/** In nginx's format: local time, level, process. */
function toNginx(level: string, line: string): string {
  const now = new Date();
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('/');
  const time = [now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join(':');
  return `${day} ${time} [${level}] ${process.pid}#0: [ssl-cert-reloader:${process.pid}] ${line}`;
}

/** Opened for each line, since logrotate moves the file; a pipe without a reader loses the line. */
function append(path: string, line: string): void {
  const file = openSync(
    path,
    constants.O_WRONLY | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOCTTY,
  );
  try {
    const bytes = Buffer.from(line);
    writeSync(file, Buffer.concat([bytes.subarray(0, MAX_BYTES), Buffer.from('\n')]));
  } finally {
    closeSync(file);
  }
}

function toSyslog(level: string, line: string, socket: string): void {
  const priority = `daemon.${level === 'warn' ? 'warning' : 'err'}`;
  const args = ['-u', socket, '-t', 'ssl-cert-reloader', '-p', priority, '--', line.slice(0, MAX_BYTES)];
  execFile('logger', args, { timeout: 2_000 }, () => undefined);
}
