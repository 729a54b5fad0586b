import { FileError } from '../../common/configured-file';
import { AdminError } from '../../gateway';
import { HttpFailure } from '../../http';
import type { Reason } from '../../model';

const BY_STATUS: Readonly<Record<number, string>> = {
  401: 'set admin.token_file, admin.headers_file or admin.client_cert_file: in the entry, or in a file (-c)',
  403: 'the token lacks this permission: give it a role that may read and write certificates and SNIs',
  407: 'a proxy in between wants a login: add the Admin API to NO_PROXY',
};

const BY_CODE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'start Kong; if it runs, check admin_listen, and give the address with --admin-url',
  ENOTFOUND: 'correct the name in the address, or use a name server that knows it',
  EACCES: "run it as Kong's user: sudo -u kong ssl-cert-reloader …",
  EPERM: 'let this machine reach it: a firewall, a NetworkPolicy or SELinux is in the way',
  ETIMEDOUT: "it accepts connections and does not answer: check Kong's error log, its database and its load",
};

/** Messages about a field of the configuration begin with its name. */
const FIELD = /^(admin\.[a-z_]+)/;
const STATUS = /answered GET \/\S+ with (\d{3})/;

/**
 * What to do about an Admin API that cannot be used.
 * @param error from `connect`, or from a request
 */
export function adviceOnAdmin(error: Error): string {
  const cause = error.cause ?? error;
  const { message } = cause as Error;
  const failure = findCause(cause, HttpFailure);
  const file = findCause(cause, FileError);
  const field = FIELD.exec(message)?.[1];
  if (failure?.code === 'credentials' || file !== null)
    return adviceOnFile(file?.code ?? failure?.systemCode ?? '', field);
  if (field !== undefined) return `correct ${field}, as the message says`;
  const status = cause instanceof AdminError ? cause.status : (STATUS.exec(message)?.[1] ?? null);
  if (status !== null)
    return BY_STATUS[Number(status)] ?? 'is this the address of the Admin API (--admin-url, admin.url)?';
  if (failure?.code === 'untrusted') return 'name its CA in admin.ca_file, and its name in admin.server_name';
  return (
    BY_CODE[failure?.systemCode ?? ''] ?? 'start Kong, or name its prefix (-p) or its Admin API (--admin-url)'
  );
}

function adviceOnFile(code: string, field = 'the path'): string {
  switch (code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return `create that file (mount it, where it comes from a Secret), or correct ${field}`;
    case 'EACCES':
    case 'EPERM':
      return 'let the user that the plugin runs as read it and enter the folders above it: chgrp, chmod g+r; or run the doctor as that user';
    default:
      return `correct ${field}, as the message says`;
  }
}

function findCause<T extends Error>(error: unknown, type: abstract new (...args: never[]) => T): T | null {
  let at = error;
  for (let depth = 0; depth < 10 && at instanceof Error; depth++) {
    if (at instanceof type) return at;
    at = at.cause;
  }
  return null;
}

/**
 * What to do about a refusal.
 * @param message names what cannot be read
 */
export function adviceOn(reason: Reason, message: string): string {
  if (reason !== 'unreadable') return `\`ssl-cert-reloader explain ${reason}\` says more`;
  if (message.includes('/etc/letsencrypt'))
    return 'give the folders of certbot a group that Kong is in, or copy the files in a deploy hook: `ssl-cert-reloader explain permissions` has the commands of both';
  if (message.includes('.acme.sh'))
    return 'have acme.sh put copies elsewhere (--install-cert): `ssl-cert-reloader explain permissions`';
  return 'let the user that Kong runs as read it: `ssl-cert-reloader explain permissions`';
}
