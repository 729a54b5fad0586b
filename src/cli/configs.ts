import { basename } from 'node:path';
import { readArgument } from '../common/configured-file';
import { isNode, LineCounter, parseDocument, type Document } from 'yaml';
import { connect, type KongLocation } from '../app/connection';
import { completeConfig, type Config } from '../app/config';
import { PLUGIN_NAME } from '../common/product';
import { ConfigError, showPath, type ConfigPath } from '../config';

export interface NamedConfig {
  /** Id of the plugin's entry, or the file (with a number where it holds several). */
  entry: string;
  config: Config;
}

/**
 * Reads a configuration file: one record with the names of the plugin's `config`, or a list of such records.
 * @throws Error naming the file and each place in it that is wrong; it never quotes the file, which may hold a token
 */
export function readConfigFile(path: string): NamedConfig[] {
  const name = basename(path);
  const file = parse(path);
  const given: unknown = file.document.toJS();
  if (!Array.isArray(given)) return [{ entry: name, config: complete(given, file, []) }];
  if (given.length === 0) throw new Error(`${path}: the list is empty`);
  return given.map((item: unknown, index) => ({
    entry: `${name}#${index + 1}`,
    config: complete(item ?? {}, file, [index]),
  }));
}

const MAX_BYTES = 1_048_576;

interface ConfigFile {
  path: string;
  document: Document.Parsed;
  lines: LineCounter;
}

function parse(path: string): ConfigFile {
  let text: string;
  try {
    text = readArgument(path, MAX_BYTES).toString('utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`${path}: cannot be read (${code})`, { cause: error });
  }
  if (text.length >= MAX_BYTES) throw new Error(`${path}: is larger than 1 MiB; is it the right file?`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  // The error's code, since its message may quote the text.
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const what = error.code.toLowerCase().replaceAll('_', ' ');
    throw new Error(`${path}:${line}:${col}: this is not valid YAML (${what})`);
  }
  return { path, document, lines };
}

/** @param item path of the configuration in the file */
function complete(given: unknown, { path, document, lines }: ConfigFile, item: ConfigPath): Config {
  try {
    return completeConfig(given);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const told = error.problems.map((problem) => {
      const line = lineOf(document, lines, [...item, ...problem.path]);
      return `${path}${line === null ? '' : `:${line}`}: ${showPath(problem.path)}: ${problem.message}`;
    });
    throw new Error(told.join('\n'), { cause: error });
  }
}

/** The line of a value, or of the record in which it is missing. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: ConfigPath): number | null {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range != null) return lines.linePos(node.range[0]).line;
  }
  return null;
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
