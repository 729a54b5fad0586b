import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguredFile, type FileError } from '../../common/configured-file';

/** It may hold a declarative configuration as a text. More would hold up everything else while it is read. */
const MAX_BYTES = 4 * 1024 * 1024;
const MAX_LINES = 50_000;
/** Most items of a list: listeners, files. */
const MAX_ITEMS = 100;

/** Items of a list among the values. */
export const itemsOf = (list = ''): string[] => list.split(',', MAX_ITEMS).map((item) => item.trim());

/**
 * Values of `<prefix>/.kong_env` by name. Unwanted ones are not kept: the file also holds secrets.
 * @throws Error with a sentence that helps
 */
export const readKongValues = (prefix: string, isWanted: (name: string) => boolean): Map<string, string> =>
  valuesIn(readKongLines(prefix), isWanted);

/** Wanted values in lines of that format. */
export function valuesIn(lines: readonly string[], isWanted: (name: string) => boolean): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of lines) {
    const match = /^([a-z0-9_]+) = (.*)$/.exec(line);
    if (match?.[1] !== undefined && isWanted(match[1])) values.set(match[1], match[2] ?? '');
  }
  return values;
}

/** A value in a line that is commented out. */
export function commentIn(lines: readonly string[], name: string): string | undefined {
  const start = `# ${name} = `;
  return lines.find((line) => line.startsWith(start))?.slice(start.length);
}

/**
 * The lines of the file, secrets included.
 * @throws Error with a sentence that helps
 */
export function readKongLines(prefix: string): readonly string[] {
  try {
    return readKongEnv(prefix).split('\n', MAX_LINES);
  } catch (error) {
    if (held?.prefix !== prefix) throw error;
    return held.lines;
  }
}

/** Lines of a file that root wrote and that Kong's user cannot read. */
let held: { prefix: string; lines: readonly string[] } | null = null;

const HELD =
  /^(# )?(admin_|database |db_update_frequency |declarative_config |lmdb_environment_path |log_level|nginx_|node_|plugin|proxy_listen|role |ssl_cert|status_listen|stream_listen)/;

/** To be called before root becomes Kong's user: keeps what only root can read there, without its secrets. */
export function holdKongValues(prefix: string): void {
  const stat = lstatSync(join(prefix, '.kong_env'), { throwIfNoEntry: false });
  // Another file is Kong's own, or a trap to make root read something.
  if (stat?.isFile() !== true || stat.uid !== 0 || (stat.mode & 0o022) !== 0) return;
  try {
    held = { prefix, lines: readKongLines(prefix).filter((line) => HELD.test(line)) };
  } catch {
    held = null;
  }
}

/** The text of `<prefix>/.kong_env`, secrets included. @throws Error with a sentence that helps */
export function readKongEnv(prefix: string): string {
  const path = join(prefix, '.kong_env');
  try {
    return readConfiguredFile(path, MAX_BYTES);
  } catch (error) {
    const { code } = error as FileError;
    throw new Error(
      code === 'ENOENT'
        ? `${path} does not exist: is Kong's prefix ${prefix}? Give it with -p, or the Admin API with --admin-url`
        : `${path} cannot be read (${code}): run as Kong's user, or give the Admin API with --admin-url`,
      { cause: error },
    );
  }
}
