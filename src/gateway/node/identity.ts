import { X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readConfiguredFile } from '../../common/configured-file';
import { itemsOf, readKongValues } from './kong-env';
import { findMaster, userOf, usersOfChildren } from './processes';

/** How to recognize Kong on this machine: which processes may answer as the Admin API, according to the prefix. */
interface KongIdentity {
  users: () => ReadonlySet<number>;
  /** Certificates (DER) that its Admin API shows. */
  pinned: () => readonly Buffer[];
}

export function kongIdentity(prefix: string): KongIdentity {
  return { users: () => usersOf(prefix), pinned: () => certificatesOf(prefix) };
}

/**
 * Owners of the prefix and of the files that Kong wrote there, and the workers' user, where a master of one of
 * those owners started them.
 */
function usersOf(prefix: string): ReadonlySet<number> {
  const owners = new Set([prefix, join(prefix, '.kong_env')].flatMap(ownerOf));
  const master = findMaster(prefix);
  if (typeof master === 'string') return owners;
  const user = userOf(master);
  // Any process can take the title of nginx's master.
  if (user === 0 || (user !== null && owners.has(user)))
    for (const uid of usersOfChildren(master)) owners.add(uid);
  return owners;
}

function ownerOf(path: string): number[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? [] : [stat.uid];
}

/** Files that Kong makes where `admin_ssl_cert` names none. */
const DEFAULTS = ['admin-kong-default.crt', 'admin-kong-default-ecdsa.crt'];

function certificatesOf(prefix: string): Buffer[] {
  return [...configured(prefix), ...DEFAULTS.map((name) => join(prefix, 'ssl', name))].flatMap((path) => {
    try {
      return [new X509Certificate(readConfiguredFile(path)).raw];
    } catch {
      // Missing, or not readable for this user.
      return [];
    }
  });
}

function configured(prefix: string): string[] {
  try {
    const list = readKongValues(prefix, (name) => name === 'admin_ssl_cert').get('admin_ssl_cert');
    return itemsOf(list).filter((path) => path.startsWith('/'));
  } catch {
    return [];
  }
}
