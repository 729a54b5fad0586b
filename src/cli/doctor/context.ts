import { connect, type Connection, type KongLocation } from '../../app/connection';
import { completeConfig, type Config } from '../../app/config';
import { readKongValues } from '../../gateway';
import type { PluginEntry } from '../../model';
import { readConfigFile, type NamedConfig } from '../configs';
import type { PassOptions } from '../options';

/** Names of `.kong_env` that the doctor reads; none holds a secret, and no other is kept. */
const NAMES: ReadonlySet<string> = new Set([
  'admin_listen',
  'database',
  'log_level',
  'nginx_admin_client_max_body_size',
  'plugins',
  'pluginserver_names',
  'proxy_listen',
  'role',
]);
const PLUGIN_SERVER = /^pluginserver_[a-z0-9_]+_(socket|start_cmd|query_cmd)$/;

/** A healthy Kong answers in milliseconds, and somebody waits for the command. */
const PATIENCE = { timeoutMs: 3_000, attempts: 1 };

/** Everything that the checks look at: each part is there, or an Error says why not. */
export interface DoctorContext {
  prefix: string;
  location: KongLocation;
  /** Values of Kong's prefix; an Error where it cannot be read. */
  settings: ReadonlyMap<string, string> | Error;
  kong: Connection | Error;
  /** The plugin's entries in Kong. */
  entries: readonly PluginEntry[] | Error;
  /** Whether an ingress controller writes to this Kong. */
  hasController: boolean;
  /** The configurations that would run: those of the file, else of the valid entries. */
  configs: readonly NamedConfig[];
  /** Why the named file cannot be used; null: it can, or none was named. */
  fileProblem: Error | null;
  isFile: boolean;
  /** Whether the query commands of plugin servers are run: they are Kong's configuration, not ours. */
  isQueryRun: boolean;
}

export interface DoctorOptions extends PassOptions {
  runQuery?: boolean;
}

export async function openContext(options: DoctorOptions): Promise<DoctorContext> {
  const { config: file, prefix, adminUrl, allowHttp } = options;
  const fromFile = file === undefined ? [] : attempt(() => readConfigFile(file));
  const fileProblem = fromFile instanceof Error ? fromFile : null;
  const ofFile = fromFile instanceof Error ? [] : fromFile;
  const admin = ofFile[0]?.config.admin ?? {};
  const location = { prefix, adminUrl, allowHttp, patience: PATIENCE };
  const kong = await connect(location, admin).catch(asError);
  const entries = kong instanceof Error ? kong : await kong.gateway.pluginEntries().catch(asError);
  return {
    prefix,
    location,
    settings: attempt(() => readKongValues(prefix, (name) => NAMES.has(name) || PLUGIN_SERVER.test(name))),
    kong,
    entries,
    hasController: !(kong instanceof Error) && (await kong.gateway.hasController().catch(() => false)),
    configs: file === undefined ? configsOf(entries) : ofFile,
    fileProblem,
    isFile: file !== undefined,
    isQueryRun: options.runQuery === true,
  };
}

function configsOf(entries: readonly PluginEntry[] | Error): NamedConfig[] {
  if (entries instanceof Error) return [];
  return entries.flatMap(({ id, enabled, scope, config }) => {
    const complete: Config | Error = attempt(() => completeConfig(config));
    const isRun = enabled && scope === null && !(complete instanceof Error);
    return isRun ? [{ entry: id, config: complete }] : [];
  });
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

function attempt<T>(work: () => T): T | Error {
  try {
    return work();
  } catch (error) {
    return asError(error);
  }
}
