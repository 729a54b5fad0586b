import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { load } from 'js-yaml';
import { connect, type KongLocation } from '../app/connection';
import { completeConfig, PLUGIN_NAME, type Config } from '../config';

export interface NamedConfig {
  /** Id of the plugin's entry, or the file (with a number where it holds several). */
  entry: string;
  config: Config;
}

/**
 * Reads a configuration file: one record with the names of the plugin's `config`, or a list of such records.
 * @throws Error naming the file and the place; it never quotes the file, which may hold a token
 */
export function readConfigFile(path: string): NamedConfig[] {
  const name = basename(path);
  const given = parse(path);
  if (!Array.isArray(given)) return [{ entry: name, config: complete(given, path) }];
  if (given.length === 0) throw new Error(`${path}: the list is empty`);
  return given.map((item: unknown, index) => ({
    entry: `${name}#${index + 1}`,
    config: complete(item ?? {}, `${path}: item ${index + 1}`),
  }));
}

function parse(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`${path}: cannot be read (${code})`, { cause: error });
  }
  try {
    return load(text);
  } catch (error) {
    // Only the first line: a YAML error goes on with the text around it.
    const [problem = 'it cannot be read'] = (error as Error).message.split('\n');
    throw new Error(`${path}: ${problem}`, { cause: error });
  }
}

function complete(given: unknown, where: string): Config {
  try {
    return completeConfig(given);
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
}

/** The configurations of a file, else those of the plugin's enabled global entries in Kong. */
export async function readConfigs(file: string | undefined, location: KongLocation): Promise<NamedConfig[]> {
  if (file !== undefined) return readConfigFile(file);
  const { gateway } = await connect(location, {});
  const entries = await gateway.pluginEntries().finally(() => gateway.close());
  const active = entries.filter((entry) => entry.enabled && entry.scope === null);
  if (active.length === 0) {
    throw new Error(
      `Kong has no enabled global entry of ${PLUGIN_NAME}: enable the plugin, or give a file with --config`,
    );
  }
  return active.map(({ id, config }) => ({ entry: id, config: completeConfig(config) }));
}
