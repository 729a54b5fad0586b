import { readFileSync } from 'node:fs';
import { load } from 'js-yaml';
import { connect, type Connection, type KongLocation } from '../app/connection';
import { compose } from '../app/reloader';
import { completeConfig, PLUGIN_NAME, type Config } from '../config';
import { readPluginEntries } from '../kong';
import type { PassEvent, PassReport } from '../model';
import type { Reconciler } from '../reconcile';

export interface SyncOptions {
  config?: string;
  prefix: string;
  adminUrl?: string;
  observe?: boolean;
  json?: boolean;
}

/** One pass for each configuration. @returns the exit code */
export async function sync(options: SyncOptions): Promise<number> {
  const location: KongLocation = { prefix: options.prefix, adminUrl: options.adminUrl };
  const reports: PassReport[] = [];
  for (const config of await readConfigs(options, location)) {
    const kong = await connect(location, config.admin);
    const mode = options.observe === true ? 'observe' : config.mode;
    reports.push(await passUntilSettled({ ...config, mode }, kong));
    kong.client.close();
  }
  if (options.json === true) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
  else for (const report of reports) print(report);
  const isGood = reports.every(
    (report) => report.refused === 0 && report.unfinished === 'no' && !rolledBack(report),
  );
  return isGood ? 0 : 1;
}

/** Files that look half-written are looked at once more before anything is said about them. */
async function passUntilSettled(config: Config, kong: Connection): Promise<PassReport> {
  const { reconciler, cluster } = compose(config, kong);
  try {
    return await settle(reconciler);
  } finally {
    cluster?.close();
  }
}

async function settle(reconciler: Reconciler): Promise<PassReport> {
  const first = await reconciler.pass('command');
  if (first.unfinished !== 'settling') return first;
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  const second = await reconciler.pass('retry');
  return { ...second, cause: first.cause, events: [...first.events, ...second.events] };
}

async function readConfigs({ config }: SyncOptions, location: KongLocation): Promise<Config[]> {
  if (config !== undefined) {
    try {
      return [completeConfig(load(readFileSync(config, 'utf8')))];
    } catch (error) {
      // Only the first line: a YAML error goes on with the text around it, which may hold a token.
      const [problem = 'it cannot be read'] = (error as Error).message.split('\n');
      throw new Error(`${config}: ${problem}`, { cause: error });
    }
  }
  const { client } = await connect(location, {});
  const entries = await readPluginEntries(client);
  client.close();
  const active = entries.filter((entry) => entry.enabled && entry.scope === null);
  if (active.length === 0) {
    throw new Error(
      `Kong has no enabled global entry of ${PLUGIN_NAME}: enable the plugin, or give a file with --config`,
    );
  }
  return active.map((entry) => completeConfig(entry.config));
}

const rolledBack = ({ events }: PassReport) => events.some(({ outcome }) => outcome.kind === 'rolled_back');

function print(report: PassReport): void {
  for (const event of report.events) process.stdout.write(`${describe(event)}\n`);
  for (const { refusal } of report.sourceErrors) process.stdout.write(`skipped    ${refusal.message}\n`);
  const { bundles, inSync, refused, unused, durationMs } = report;
  const rest = [
    ...(refused > 0 ? [`${refused} refused`] : []),
    ...(unused > 0 ? [`${unused} that nothing in Kong asks for`] : []),
  ];
  process.stdout.write(
    `${[`${bundles} found`, `${inSync} in step with Kong`, ...rest].join(', ')} (${Math.round(durationMs)} ms)\n`,
  );
}

function describe({ location, snis, notAfter, outcome }: PassEvent): string {
  const until = notAfter === null ? '' : `, valid until ${new Date(notAfter).toISOString().slice(0, 10)}`;
  const what = `${snis.slice(0, 3).join(', ')}${snis.length > 3 ? ', …' : ''} from ${location}${until}`;
  switch (outcome.kind) {
    case 'swapped': {
      const { proof, created } = outcome;
      const proven =
        proof?.verdict === 'served' ? `, served (${proof.handshakes} handshakes)` : ', not proven';
      return `${created ? 'created' : 'swapped'}    ${what}${proven}`;
    }
    case 'would_change':
      return `${outcome.created ? 'would create' : 'would swap'} ${what}`;
    case 'rolled_back':
      return `rolled back ${what}: ${outcome.proof.detail}`;
    case 'nudged':
      return `nudged     ${what}: ${outcome.detail}`;
    case 'refused':
      return `refused    ${outcome.refusal.message}`;
    case 'failed':
      return `failed     ${what}: ${outcome.error}`;
  }
}
