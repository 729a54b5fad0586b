import { statSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { connect, type KongLocation } from '../../app/connection';
import { completeConfig, type Config } from '../../app/config';
import { findStatusSocket } from '../../app/status-host';
import { groupBy } from '../../common/multimap';
import { PLUGIN_NAME, VERSION } from '../../common/product';
import { fetchStatus } from '../status/client';
import { plural } from '../output';
import type { ReloaderStatus } from '../../public';
import { adviceOn, adviceOnAdmin } from './advice';
import type { Check } from './check';
import type { DoctorContext } from './context';

/** Checks for an entry of the plugin in Kong that is enabled, global and valid. */
export async function checkEntries(
  { entries, kong, hasController, isFile, fileProblem, location }: DoctorContext,
  check: Check,
): Promise<void> {
  if (fileProblem !== null) check.fail(fileProblem.message, 'correct the file');
  if (entries instanceof Error) {
    check.skip('Kong does not answer');
    return;
  }
  if (entries.length === 0) {
    if (isFile) check.skip('the configuration comes from a file');
    else
      check.fail('Kong has no entry of the plugin', `enable it: ${waysIn({ kong, hasController }).enable}`);
  }
  for (const { id, enabled, scope, config } of entries) {
    let admin: Config['admin'];
    try {
      ({ admin } = completeConfig(config));
    } catch (error) {
      check.fail(`entry ${id}: ${(error as Error).message}`, 'correct its config');
      continue;
    }
    if (!enabled) check.warn(`entry ${id} is disabled`, waysIn({ kong, hasController }, id).enableAgain);
    else if (scope !== null) {
      check.fail(
        `entry ${id} is limited to a ${scope}: it is not run`,
        'enable the plugin globally; a KongClusterPlugin needs the label global: "true"',
      );
    } else {
      const trouble = Object.keys(admin).length === 0 ? null : await whyAway(location, admin);
      if (trouble === null) check.ok(`entry ${id} is enabled and global`);
      else check.fail(`entry ${id} cannot be run: ${trouble.message}`, adviceOnAdmin(trouble));
    }
  }
}

/** How entries get into this Kong, and what to do there. */
function waysIn({ kong, hasController }: Pick<DoctorContext, 'kong' | 'hasController'>, id = '') {
  if (hasController)
    return {
      enable: 'kubectl apply -f deploy/kubernetes/kong-cluster-plugin.yaml',
      enableAgain: `take disabled: true out of the KongClusterPlugin whose plugin is ${PLUGIN_NAME}`,
    };
  if (!(kong instanceof Error) && kong.gateway.traits.startsFromFile)
    return {
      enable: `plugins: [{ name: ${PLUGIN_NAME} }] in kong.yml`,
      enableAgain: 'take enabled: false out of its entry in kong.yml',
    };
  const url = kong instanceof Error ? 'http://localhost:8001' : kong.client.url;
  return {
    enable: `curl -X POST ${url}/plugins -d name=${PLUGIN_NAME}`,
    enableAgain: `curl -X PATCH ${url}/plugins/${id} -d enabled=true`,
  };
}

/** Why an entry with an `admin` of its own does not run; null: that Kong answers. */
async function whyAway(location: KongLocation, admin: Config['admin']): Promise<Error | null> {
  try {
    const { client } = await connect({ ...location, adminUrl: undefined }, admin);
    client.close();
    return null;
  } catch (error) {
    return error as Error;
  }
}

/** Asks the running process first: its findings count more than what the doctor itself can read. */
export async function checkStatus({ prefix }: DoctorContext, check: Check): Promise<void> {
  const socket = findStatusSocket(prefix);
  let report;
  try {
    report = await fetchStatus({ socket }, undefined, STATUS_MS);
  } catch (error) {
    check.fail(
      (error as Error).message,
      "is the plugin server up? Kong's error log has its warnings, and all its lines at log_level = info",
    );
    return;
  }
  const { version, kong, waiting, reloaders } = report;
  if (kong === null) check.fail(`it waits for Kong: ${waiting ?? ''}`, 'see the check of the Admin API');
  else if (reloaders.length === 0)
    check.warn(`it runs nothing: ${waiting ?? ''}`, 'see the check of the entries');
  else check.ok(`${socket} answers, ${plural(reloaders.length, 'reloader')}`);
  if (version !== VERSION)
    check.warn(
      `version ${version} runs, this is ${VERSION}`,
      'kong reload (or restart it) to run the new one',
    );
  for (const reloader of reloaders) repeat(reloader, check);
}

/** Repeats the findings of the running process. */
function repeat({ last_pass: pass, sources, certificates }: ReloaderStatus, check: Check): void {
  if (pass?.error != null) check.fail(`the running plugin says: ${pass.error}`, 'see the message');
  for (const { error } of sources)
    if (error !== null)
      check.fail(`the running plugin says: ${error.message}`, adviceOn(error.reason, error.message));
  const refused = certificates.flatMap(({ state, refusal }) => (state === 'refused' ? (refusal ?? []) : []));
  for (const [reason, list] of groupBy(refused, (one) => one.reason)) {
    const message = list[0]?.message ?? '';
    check.warn(
      `the running plugin refuses ${plural(list.length, 'bundle')} (${reason}): ${message}`,
      adviceOn(reason, message),
    );
  }
}

const STATUS_MS = 3_000;

const NODE = { major: 20, minor: 19 };

export function checkNode(check: Check): void {
  const version = process.versions.node;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isEnough = major > NODE.major || (major === NODE.major && minor >= NODE.minor);
  if (isEnough) check.ok(`version ${version}`);
  else check.fail(`version ${version}`, `install ${NODE.major}.${NODE.minor} or later`);
}

/** Permissions are checked for the current user, who should be the one that runs the plugin. */
export function checkUser({ prefix }: DoctorContext, check: Check): void {
  const socket = statSync(join(prefix, `${PLUGIN_NAME}.socket`), { throwIfNoEntry: false });
  const { uid, username } = userInfo();
  if (socket === undefined) check.skip(`run as ${username}; the user of the plugin is not known`);
  else if (socket.uid === uid) check.ok(`run as ${username}, as the plugin is`);
  else
    check.warn(
      `run as ${username} (uid ${uid}), while the plugin runs as uid ${socket.uid}: the plugin may lack rights that this user has`,
      `sudo -u '#${socket.uid}' ssl-cert-reloader doctor`,
    );
}
