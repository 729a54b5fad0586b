import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { accessSync, constants, statSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { PLUGIN_NAME } from '../../common/product';
import { findStatusSocket } from '../../app/status-host';
import type { Check } from './check';
import type { DoctorContext } from './context';

/** One of Kong's plugin servers, with Kong's defaults filled in (kong/conf_loader/init.lua). */
interface PluginServer {
  name: string;
  socket: string;
  /** Start command; null: started from outside. */
  start: string | null;
  query: string | null;
}

const DEFAULT_FOLDER = '/usr/local/bin';
const QUERY_TIMEOUT_MS = 20_000;

const LINES = `set plugins = bundled,${PLUGIN_NAME} and pluginserver_names = ${PLUGIN_NAME}, with the executable at ${DEFAULT_FOLDER}/${PLUGIN_NAME}`;

/** Checks how Kong would start the plugin and talk to it. */
export async function checkWiring(
  { settings, prefix, isFile, isQueryRun }: DoctorContext,
  check: Check,
): Promise<void> {
  if (settings instanceof Error) {
    check.skip("Kong's configuration cannot be read");
    return;
  }
  if (settings.get('role') === 'control_plane') {
    check.skip('a control plane starts no plugin server');
    return;
  }
  const servers = pluginServers(settings, prefix);
  const isListed = list(settings.get('plugins')).includes(PLUGIN_NAME);
  if (!isListed && servers.length === 0) {
    if (isFile) check.skip('Kong runs no plugin server; `run` with a file needs none');
    else check.fail('Kong does not know the plugin', LINES);
    return;
  }
  if (!isListed)
    check.fail(`plugins does not list ${PLUGIN_NAME}`, `add it: plugins = bundled,${PLUGIN_NAME}`);
  if (servers.length === 0) {
    check.fail('pluginserver_names is empty', `set pluginserver_names = ${PLUGIN_NAME}`);
    return;
  }
  let ours: PluginServer | undefined;
  for (const server of servers) {
    if (!(await answersWith(server, isQueryRun, check))) continue;
    ours = server;
    break;
  }
  if (ours === undefined) {
    const names = servers.map(({ name }) => name).join(', ');
    if (!isQueryRun) {
      check.skip(`which plugin server of ${names} serves the plugin is not known without --run-query`);
      return;
    }
    check.fail(
      `no plugin server of ${names} answers its query with ${PLUGIN_NAME}`,
      `try the query command by hand with an empty environment: env -i ${DEFAULT_FOLDER}/${PLUGIN_NAME} -dump`,
    );
    return;
  }
  checkStart(ours, check);
  await checkSocket(ours, prefix, check);
}

const list = (value = '') => value.split(',').map((item) => item.trim());

function pluginServers(settings: ReadonlyMap<string, string>, prefix: string): PluginServer[] {
  const names = list(settings.get('pluginserver_names')).filter((name) => name !== '' && name !== 'off');
  const servers = names.map((given) => {
    const name = given.toLowerCase();
    const key = `pluginserver_${name.replaceAll('-', '_')}`;
    const fallback = join(DEFAULT_FOLDER, name);
    const isThere = statSync(fallback, { throwIfNoEntry: false }) !== undefined;
    return {
      name,
      socket: settings.get(`${key}_socket`) ?? join(prefix, `${name}.socket`),
      start: settings.get(`${key}_start_cmd`) ?? (isThere ? fallback : null),
      query: settings.get(`${key}_query_cmd`) ?? (isThere ? `${fallback} -dump` : null),
    };
  });
  // Ours first: no other program's command is run without need.
  return servers.sort((a, b) => Number(isOurs(b)) - Number(isOurs(a)));
}

const isOurs = ({ name, query }: PluginServer) =>
  name === PLUGIN_NAME || (query?.includes(PLUGIN_NAME) ?? false);

/** Whether a plugin server is started by something else than Kong (a sidecar). */
export const isManagedOutside = (settings: ReadonlyMap<string, string>, prefix: string): boolean =>
  pluginServers(settings, prefix).some(({ name, start }) => name === PLUGIN_NAME && start === null);

/** Whether a plugin server is the one of this plugin: by its answer where it may be asked, else by its name. */
async function answersWith(server: PluginServer, isAsked: boolean, check: Check): Promise<boolean> {
  const { name, query } = server;
  if (query === null) {
    check.fail(
      `plugin server ${name} has no query command`,
      `set pluginserver_${name.replaceAll('-', '_')}_query_cmd; Kong does not start without it`,
    );
    return false;
  }
  if (isAsked) return answersQuery(name, query, check);
  if (!isOurs(server)) return false;
  const program = programOf(query);
  if (program.startsWith('/') && statSync(program, { throwIfNoEntry: false }) === undefined) {
    check.fail(
      `the query command of plugin server ${name} ends with 127: ${program} does not exist`,
      'copy dist/ssl-cert-reloader.cjs there, or give the right path',
    );
    return false;
  }
  check.ok(`plugin server ${name} has a query command (--run-query runs it, as Kong does at start)`);
  return true;
}

/**
 * Runs a query command as Kong does at start, with an empty environment, and checks that it answers JSON alone; but
 * without a shell.
 */
async function answersQuery(name: string, query: string, check: Check): Promise<boolean> {
  const [program, ...args] = wordsOf(query) ?? [];
  if (program === undefined) {
    check.skip(`the query command of plugin server ${name} needs a shell and was not run`);
    return false;
  }
  let text: string;
  try {
    const run = promisify(execFile)(program, args, {
      env: {},
      timeout: QUERY_TIMEOUT_MS,
      killSignal: 'SIGKILL',
      maxBuffer: 16 * 1024 * 1024,
    });
    run.child.stdin?.end();
    text = (await run).stdout;
  } catch (error) {
    const { killed, code } = error as { killed?: boolean; code?: string | number | null };
    const how =
      killed === true
        ? `does not end within ${QUERY_TIMEOUT_MS / 1000} s`
        : code === 'ENOENT'
          ? `ends with 127: ${program} does not exist`
          : typeof code === 'number'
            ? `ends with ${code}`
            : `cannot be run (${code ?? 'killed'})`;
    check.fail(
      `the query command of plugin server ${name} ${how}`,
      code === 127 || code === 'ENOENT'
        ? 'give the path of node: env PATH=/usr/local/bin:/usr/bin …'
        : 'run it by hand as `env -i …`',
    );
    return false;
  }
  const plugins = pluginsOf(text);
  if (plugins === null) {
    check.fail(
      `the query command of plugin server ${name} prints something other than JSON`,
      'only the dump may go to its standard output; otherwise Kong does not start',
    );
    return false;
  }
  if (plugins[0] !== PLUGIN_NAME) return false;
  check.ok(`plugin server ${name} answers its query`);
  return true;
}

/** Words of a command line without their quotes; null: it needs a shell. */
function wordsOf(command: string): string[] | null {
  const pieces = command.match(/'[^']*'|"[^"]*"|[^\s'"]+|\s+/g) ?? [];
  if (pieces.join('') !== command) return null;
  const words: string[] = [];
  let isInside = false;
  for (const piece of pieces) {
    if (piece.trim() === '') {
      isInside = false;
      continue;
    }
    const isSingle = piece.startsWith("'");
    const isQuoted = isSingle || piece.startsWith('"');
    if (!isSingle && (isQuoted ? /[$`\\]/ : /[$`\\|&;<>()*?[\]{}#~!]/).test(piece)) return null;
    const text = isQuoted ? piece.slice(1, -1) : piece;
    if (isInside) words.push((words.pop() ?? '') + text);
    else words.push(text);
    isInside = true;
  }
  return words;
}

function pluginsOf(text: string): string[] | null {
  try {
    const dump = JSON.parse(text) as { Name?: string }[] | { Plugins?: { Name?: string }[] };
    const plugins = Array.isArray(dump) ? dump : (dump.Plugins ?? []);
    return plugins.map(({ Name = '' }) => Name);
  } catch {
    return null;
  }
}

function checkStart({ name, start }: PluginServer, check: Check): void {
  if (start === null) {
    check.ok(`plugin server ${name} is managed from outside (a sidecar)`);
    return;
  }
  const program = programOf(start);
  // Shown without arguments and variables: they may hold a token.
  if (!program.startsWith('/')) {
    check.warn(
      `the start command of ${name} is not an absolute path`,
      'Kong starts it without a PATH: give its absolute path',
    );
    return;
  }
  try {
    accessSync(program, constants.X_OK);
    check.ok(`${program} can be started`);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    check.fail(
      `${program} ${isMissing ? 'does not exist' : 'cannot be executed'}`,
      isMissing ? 'copy dist/ssl-cert-reloader.cjs there' : `chmod 755 ${program}`,
    );
  }
}

/** The program of a command line, behind `env` and its variables. */
function programOf(command: string): string {
  const words = command.trim().split(/\s+/);
  return words.find((word) => !/(^|\/)env$/.test(word) && !/^\w+=/.test(word) && !word.startsWith('-')) ?? '';
}

async function checkSocket(
  { name, socket, start }: PluginServer,
  prefix: string,
  check: Check,
): Promise<void> {
  const problem = await new Promise<string | null>((resolve) => {
    const client = connect(socket);
    const end = (found: string | null) => {
      client.destroy();
      resolve(found);
    };
    client.once('connect', () => end(null));
    client.once('error', ({ code = 'unknown error' }: NodeJS.ErrnoException) => end(code));
    client.setTimeout(2_000, () => end('no answer'));
  });
  if (problem === null) check.ok(`${socket} answers`);
  else if (problem === 'EACCES')
    check.warn(`${socket} cannot be opened (EACCES)`, "run the doctor as Kong's user");
  else if (start !== null && dirname(findStatusSocket(prefix)) !== prefix)
    check.warn(
      `${socket} cannot be created, since ${prefix} belongs to another user; the plugin works without it`,
      `chown ${prefix} to the user that Kong runs as`,
    );
  else {
    check.fail(
      `nothing listens on ${socket} (${problem})`,
      start === null
        ? `start it: ssl-cert-reloader run --serve-plugin --socket ${socket}`
        : `is Kong running? Its error log says why plugin server ${name} ends`,
    );
  }
}
