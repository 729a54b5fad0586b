import { readFileSync, statSync } from 'node:fs';
import { describeOtherHand, otherHandOn } from '../common/other-hands';
import { holdKongValues, readKongValues } from '../gateway';
import { tell } from './failure';

/** Origin of a command's configuration: the file, or else the entries of the Kong with this prefix. */
interface Orders {
  prefix: string;
  config?: string | undefined;
}

interface User {
  uid: number;
  gid: number;
  /** Null: a user id without a name. */
  name: string | null;
  /** Why this user, as part of a sentence. */
  why: string;
}

/** Missing in Node's types. */
type WithGroups = typeof process & { initgroups: (user: string, gid: number) => void };

/** Environment variables that are kept; root's others may hold secrets. */
const KEPT = /^(PATH|LANG|LC_\w+|TZ|TERM|COLUMNS|NO_COLOR|FORCE_COLOR|KUBERNETES_SERVICE_\w+)$/;

/**
 * Root follows only root's configuration. A configuration that belongs to another user (the entries of a Kong that
 * runs as another user, a file of another user) names files to read and programs to run, so the command goes on as
 * that user, for good.
 * @throws Error where it cannot, or where anybody may have written the file
 */
export function leavePrivileges({ prefix, config }: Orders): void {
  if (process.getuid?.() !== 0) return;
  const user = config === undefined ? kongUser(prefix) : ownerOf(config);
  if (user === null) return;
  // Kong's configuration may be readable for root alone; it is read before root's rights are given up.
  holdKongValues(prefix);
  const who = `${user.name ?? 'a user without a name'} (uid ${user.uid})`;
  try {
    if (user.name === null) process.setgroups?.([user.gid]);
    else (process as WithGroups).initgroups(user.name, user.gid);
    process.setgid?.(user.gid);
    process.setuid?.(user.uid);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(
      `this has to run as ${who}, ${user.why}, and root cannot become that user (${code}): run the command as that user (sudo -u '#${user.uid}' …)`,
      { cause: error },
    );
  }
  for (const name of Object.keys(process.env))
    if (!KEPT.test(name)) Reflect.deleteProperty(process.env, name);
  tell(`runs as ${who}, ${user.why}; to run it as root, give a file that only root can change (--config)`);
}

/** The first owner other than root among a file and the folders above it. */
function ownerOf(config: string): User | null {
  let hand;
  try {
    hand = otherHandOn(config, 0);
  } catch {
    // The file is read next; that error message says what is wrong.
    return null;
  }
  if (hand === null) return null;
  if (hand.by === 'mode') throw new Error(`${config} ${describeOtherHand(hand)}`);
  return named(hand.uid, hand.gid, `to whom ${hand.path} belongs`);
}

/** The user of a Kong's workers, who determines its entries; null: root, or there is no Kong here. */
function kongUser(prefix: string): User | null {
  if (statSync(prefix, { throwIfNoEntry: false }) === undefined) return null;
  const hand = otherHandOn(prefix, 0);
  if (hand?.by === 'owner') return named(hand.uid, hand.gid, `to whom ${hand.path} belongs`);
  // Started as root, nginx runs its workers as another user.
  const name = workersOf(prefix)?.split(/\s+/)[0];
  const account = accounts().find((one) => one.name === name);
  return account === undefined || account.uid === 0 ? null : { ...account, why: 'as which Kong works' };
}

function workersOf(prefix: string): string | undefined {
  try {
    const values = readKongValues(prefix, (name) => name === 'nginx_main_user' || name === 'nginx_user');
    return values.get('nginx_main_user') ?? values.get('nginx_user');
  } catch {
    return undefined;
  }
}

function named(uid: number, gid: number, why: string): User {
  const account = accounts().find((one) => one.uid === uid);
  return { ...(account ?? { uid, gid, name: null }), why };
}

function accounts(): { name: string; uid: number; gid: number }[] {
  let text = '';
  try {
    text = readFileSync('/etc/passwd', 'utf8');
  } catch {
    // Without /etc/passwd there are only numbers.
  }
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid, gid] = line.split(':');
    return uid === undefined || gid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}
