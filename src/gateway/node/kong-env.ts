import { join } from 'node:path';
import { readConfiguredFile, type FileError } from '../../common/configured-file';

/** It may hold a declarative configuration as a text. */
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * Values of `<prefix>/.kong_env` by their names. What is not wanted is not kept: the file also holds secrets.
 * @throws Error with a sentence that helps
 */
export const readKongValues = (prefix: string, isWanted: (name: string) => boolean): Map<string, string> =>
  valuesIn(readKongEnv(prefix), isWanted);

/** Values of a text of that kind. */
export function valuesIn(text: string, isWanted: (name: string) => boolean): Map<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^([a-z0-9_]+) = (.*)$/.exec(line);
    if (match?.[1] !== undefined && isWanted(match[1])) values.set(match[1], match[2] ?? '');
  }
  return values;
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
