import { dump } from 'js-yaml';
import { onTestFinished } from 'vitest';
import { onItsOwn } from '../support/http';

/** A running Kong (or its stand-in) with the plugin's real server, as a scenario sees it. */
export interface TestKong {
  readonly mode: KongMode;
  readonly adminUrl: string;
  readonly tlsPort: number;
  readonly prefix: string;
  /** Lines of the plugin's log, oldest first. */
  log(): LogLine[];
  /** Everything that the plugin server wrote, to the letter. */
  output(): string;
  /** Null while there is none. */
  pluginServerPid(): number | null;
  /** What is written meanwhile is stored, and no cache is emptied. A real Kong cannot be told to do that. */
  withoutInvalidation?(work: () => Promise<void>): Promise<void>;
  /** Stops and starts Kong, with time for something in between; without a database what was posted is lost. */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

export type KongMode = 'dbless' | 'database';

export interface LogLine {
  level: string;
  message: string;
  [field: string]: unknown;
}

export interface KongSetup {
  mode: KongMode;
  /** Without a database: the declarative configuration. */
  declarativeConfig?: string;
  /** Kong knows the plugin in Lua, and starts no plugin server. */
  isLua?: boolean;
  /** Further lines of kong.conf. */
  lines?: readonly string[];
  /** Paths for `ssl_cert` and `ssl_cert_key`; default: Kong makes its own. */
  defaultCertificate?: { cert: string; key: string };
  /** Another Kong, whose database this one shares. */
  beside?: TestKong;
  /** More for the plugin server's command line. */
  pluginArguments?: readonly string[];
  /** Words before it, as `env` takes them: variables, then perhaps another command. */
  pluginLauncher?: string;
}

export type StartKong = (setup: KongSetup) => Promise<TestKong>;

export interface Answer {
  status: number;
  body: unknown;
}

export async function admin(
  kong: Pick<TestKong, 'adminUrl'>,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer> {
  const response = await fetch(kong.adminUrl + path, { method, ...onItsOwn(body) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

/** Enables the plugin globally; in a declarative configuration it is there already. */
export async function enablePlugin(kong: Pick<TestKong, 'adminUrl'>, config: object): Promise<string> {
  const { status, body } = await admin(kong, 'POST', '/plugins', { name: 'ssl-cert-reloader', config });
  if (status !== 201) throw new Error(`the plugin was not accepted: ${JSON.stringify(body)}`);
  return (body as { id: string }).id;
}

/** Starts a Kong with the plugin's entry and with entities of somebody else's; it ends with the test. */
export async function startWith(
  startKong: StartKong,
  mode: KongMode,
  config: object,
  entities: Readonly<Record<string, object[]>> = {},
): Promise<TestKong> {
  const plugins = [{ name: 'ssl-cert-reloader', config }];
  const kong = await startKong(
    mode === 'dbless'
      ? { mode, declarativeConfig: dump({ _format_version: '3.0', plugins, ...entities }) }
      : { mode },
  );
  onTestFinished(() => kong.stop());
  if (mode === 'dbless') return kong;
  for (const [type, items] of Object.entries(entities)) {
    for (const item of items) {
      const { status, body } = await admin(kong, 'POST', `/${type}`, plain(item));
      if (status !== 201) throw new Error(`${type} was refused: ${JSON.stringify(body)}`);
    }
  }
  await enablePlugin(kong, config);
  return kong;
}

/** The Admin API takes SNIs by name, a declarative configuration takes records. */
function plain(item: object): object {
  const { snis, ...rest } = item as { snis?: { name: string }[] };
  return snis === undefined ? rest : { ...rest, snis: snis.map(({ name }) => name) };
}
