import { spawn } from 'node:child_process';
import { isObject, type Json } from '../json';
import type { Field, NamedField } from '../schema/field';
import { schemaProblem } from '../schema/metaschema';

/** The first plugin of a plugin server's dump; Kong 3.9 looks at no other. */
export interface PluginInfo {
  name: string;
  version: string;
  priority: number;
  phases: string[];
  /** The `config` record. */
  config: Field;
}

/**
 * Runs a query command as Kong does at start: through a shell, standard output read to its end, which must be
 * JSON and nothing else.
 * @throws Error with Kong's words (`failed decoding plugin info: …`), or where the command does not end in time
 */
export async function queryPluginInfo(
  command: string,
  options: { timeoutMs: number; onErrorLine: (line: string) => void },
): Promise<PluginInfo> {
  const text = await standardOutput(command, options);
  let dump: Json;
  try {
    dump = JSON.parse(text) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`failed loading external plugins: failed decoding plugin info: ${reason}`, {
      cause: error,
    });
  }
  const listed = isObject(dump) ? (dump['Plugins'] ?? []) : dump;
  const [first] = Array.isArray(listed) ? listed : [];
  if (!isObject(first) || typeof first['Name'] !== 'string') {
    throw new Error(`failed loading external plugins: not a plugin info table: ${command}`);
  }
  return toPluginInfo(first as Record<string, Json> & { Name: string });
}

function toPluginInfo(info: Record<string, Json> & { Name: string }): PluginInfo {
  const schema = isObject(info['Schema']) ? info['Schema'] : {};
  const named = Array.isArray(schema['fields']) ? schema['fields'] : [];
  const config = named.filter(isObject).find((field) => isObject(field['config']))?.['config'];
  const fields = isObject(config) ? config['fields'] : undefined;
  const problem = schemaProblem(fields);
  if (problem !== null) throw new Error(`error loading plugin schemas: on plugin '${info.Name}': ${problem}`);
  return {
    name: info.Name,
    version: typeof info['Version'] === 'string' ? info['Version'] : '',
    priority: typeof info['Priority'] === 'number' ? info['Priority'] : 0,
    phases: Array.isArray(info['Phases']) ? info['Phases'].map(String) : [],
    config: { ...(config as unknown as Field), required: true, fields: fields as unknown as NamedField[] },
  };
}

function standardOutput(
  command: string,
  { timeoutMs, onErrorLine }: { timeoutMs: number; onErrorLine: (line: string) => void },
): Promise<string> {
  return new Promise((resolve, reject) => {
    // A group of its own, so that whatever the shell started can be ended with it.
    const child = spawn('/bin/sh', ['-c', command], { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let text = '';
    const timer = setTimeout(() => {
      if (child.pid !== undefined) endGroup(child.pid);
      reject(new Error(`the query command did not end within ${timeoutMs / 1000} s: ${command}`));
    }, timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      for (const line of part.split('\n')) if (line !== '') onErrorLine(line);
    });
    child.on('error', reject);
    child.on('close', () => {
      clearTimeout(timer);
      resolve(text);
    });
  });
}

function endGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}
