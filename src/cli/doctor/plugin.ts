import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createSources } from '../../sources';
import { checkKeyAndChain, checkShape, openAny } from '../../certificates';
import { completeConfig } from '../../app/config';
import { findStatusSocket } from '../../app/status-host';
import { PLUGIN_NAME, VERSION } from '../../common/product';
import { isRefusal, type Reason, type Refusal, type Source } from '../../model';
import { fetchStatus } from '../status/client';
import { plural } from '../output';
import type { Check } from './check';
import type { Patient } from './patient';

/** The plugin's entries in Kong: one that is enabled, global and valid. */
export function checkEntries({ entries, kong, isFile, fileProblem }: Patient, check: Check): void {
  if (fileProblem !== null) check.fail(fileProblem.message, 'correct the file');
  if (entries instanceof Error) {
    check.skip('Kong does not answer');
    return;
  }
  if (entries.length === 0) {
    if (isFile) check.skip('the configuration comes from a file');
    else
      check.fail(
        'Kong has no entry of the plugin',
        !(kong instanceof Error) && kong.gateway.traits.startsFromFile
          ? `enable it: plugins: [{ name: ${PLUGIN_NAME} }] in kong.yml`
          : `enable it: curl -X POST ${kong instanceof Error ? 'localhost:8001' : kong.client.url}/plugins -d name=${PLUGIN_NAME}`,
      );
  }
  for (const { id, enabled, scope, config } of entries) {
    try {
      completeConfig(config);
    } catch (error) {
      check.fail(`entry ${id}: ${(error as Error).message}`, 'correct its config');
      continue;
    }
    if (!enabled) check.warn(`entry ${id} is disabled`, `PATCH /plugins/${id} with enabled: true`);
    else if (scope !== null) {
      check.fail(
        `entry ${id} is limited to a ${scope}: it is not run`,
        'enable the plugin globally; a KongClusterPlugin needs the label global: "true"',
      );
    } else check.ok(`entry ${id} is enabled and global`);
  }
}

/** The process that does the work, by its status. */
export async function checkStatus({ prefix }: Patient, check: Check): Promise<void> {
  const socket = findStatusSocket(prefix);
  try {
    const { version, kong, waiting, reloaders } = await fetchStatus({ socket });
    if (kong === null) check.fail(`it waits for Kong: ${waiting ?? ''}`, 'see the check of the Admin API');
    else if (reloaders.length === 0)
      check.warn(`it runs nothing: ${waiting ?? ''}`, 'see the check of the entries');
    else check.ok(`${socket} answers, ${plural(reloaders.length, 'reloader')}`);
    if (version !== VERSION) {
      check.warn(
        `version ${version} runs, this is ${VERSION}`,
        'kong reload (or restart it) to run the new one',
      );
    }
  } catch (error) {
    check.fail(
      (error as Error).message,
      "is the plugin server up? Its lines are in Kong's error log at level info",
    );
  }
}

const NODE = { major: 20, minor: 19 };

export function checkNode(check: Check, version = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > NODE.major || (major === NODE.major && minor >= NODE.minor);
  if (isEnough) check.ok(`version ${version}`);
  else check.fail(`version ${version}`, `install ${NODE.major}.${NODE.minor} or later`);
}

/** Permissions are those of whoever runs the doctor: that should be who runs the plugin. */
export function checkUser({ prefix }: Patient, check: Check): void {
  const socket = statSync(join(prefix, `${PLUGIN_NAME}.socket`), { throwIfNoEntry: false });
  const { uid, username } = userInfo();
  if (socket === undefined) check.skip(`run as ${username}; who runs the plugin is not known`);
  else if (socket.uid === uid) check.ok(`run as ${username}, as the plugin is`);
  else
    check.warn(
      `run as ${username} (uid ${uid}), while the plugin runs as uid ${socket.uid}: what can be read here may be closed to it`,
      `sudo -u '#${socket.uid}' ssl-cert-reloader doctor`,
    );
}

/** More are not opened: a look, not a load. */
const MOST = 2_000;

/** What is in the sources, and what the gate says about it. */
export async function checkSources({ configs }: Patient, check: Check): Promise<void> {
  if (configs.length === 0) check.skip('there is no configuration to take them from');
  for (const { config } of configs) {
    const { sources, clusters } = createSources(config);
    try {
      for (const source of sources) await checkSource(source, check);
    } finally {
      for (const client of clusters.values()) client.close();
    }
  }
}

async function checkSource(source: Source, check: Check): Promise<void> {
  const { changed, total, errors } = await source.scan();
  for (const { message } of errors) check.fail(message, 'see the message');
  const refused = new Map<Reason, Refusal[]>();
  let good = 0;
  for (const name of changed.slice(0, MOST)) {
    const why = await verdictOf(source, name);
    if (why === 'none') continue;
    if (why === null) good += 1;
    else refused.set(why.reason, [...(refused.get(why.reason) ?? []), why]);
  }
  const rest = total > MOST ? ` (of ${MOST} that were opened)` : '';
  const found = `${source.id}: ${plural(total, 'bundle')} found, ${good} good${rest}`;
  if (refused.size === 0 && errors.length === 0) check.ok(found);
  else if (refused.size === 0) check.skip(found);
  for (const [reason, list] of refused) {
    check.warn(
      `${found}, ${list.length} refused as ${reason}: ${(list[0] as Refusal).message}`,
      reason === 'unreadable'
        ? 'let the user that Kong runs as read it'
        : `docs/reasons.md explains ${reason}`,
    );
  }
}

/** Null: it passes the gate. `none`: it is no bundle at all. */
async function verdictOf(source: Source, name: string): Promise<Refusal | null | 'none'> {
  const raw = await source.read(name);
  if (raw === null) return 'none';
  if (isRefusal(raw)) return raw;
  const opened = await openAny(raw);
  if (isRefusal(opened))
    return raw.standalone === 'keystore' && opened.reason === 'missing_key' ? 'none' : opened;
  return checkShape(opened.bundle, Date.now()) ?? checkKeyAndChain(opened);
}
