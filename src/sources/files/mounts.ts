import { readFileSync, readlinkSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** File systems whose server may stop answering; a call to them may then never return. */
const REMOTE =
  /^(nfs4?|cifs|smb[23]?|smbfs|fuse|fuse\..*|fuseblk|9p|ceph|lustre|afs|ocfs2|gfs2|gpfs|beegfs|glusterfs|virtiofs|vboxsf|davfs|autofs)$/;

/** A longer series of links is a circle. */
const MAX_LINKS = 8;

export interface Mount {
  path: string;
  /** `nfs4`, `fuse.sshfs`, … */
  type: string;
}

const LIST = '/proc/self/mountinfo';
/** How long it counts as current. */
const FRESH_MS = 1_000;

/** Mounts of this machine that need care. No method touches them. */
export class Mounts {
  /** Those that may hang. */
  #remote: readonly Mount[] = [];
  #replaced: readonly string[] = [];
  #readAt = Number.NEGATIVE_INFINITY;

  refresh(): void {
    if (performance.now() - this.#readAt < FRESH_MS) return;
    this.#readAt = performance.now();
    try {
      const lines = readFileSync(LIST, 'utf8').split('\n');
      this.#remote = remoteMounts(lines);
      this.#replaced = replacedMounts(lines);
    } catch {
      // Not Linux, or /proc is not mounted.
      this.#remote = [];
      this.#replaced = [];
    }
  }

  /** Mounts at, below or above a path whose file or folder was replaced or deleted where it comes from. */
  replaced(path: string): string[] {
    return this.#replaced.filter((mount) => isBelow(mount, path) || isBelow(path, mount));
  }

  get isEmpty(): boolean {
    return this.#remote.length === 0;
  }

  /** A mount at or below a folder. */
  below(folder: string): Mount | null {
    return this.#remote.find(({ path }) => isBelow(path, folder)) ?? null;
  }

  /** The mount that a path is on, or leads to through links; null: a local file system. */
  of(path: string): Mount | null {
    let at = path;
    for (let links = 0; !this.isEmpty && links < MAX_LINKS; links++) {
      const mount = this.#remote.find((one) => isBelow(at, one.path));
      if (mount !== undefined) return mount;
      const found = firstLink(at);
      if (found === null) break;
      at = found.next;
    }
    return null;
  }
}

const isBelow = (path: string, folder: string) =>
  path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`);

/** The links that a path leads through, each by its own path. */
export function linksOn(path: string): string[] {
  const links = new Set<string>();
  for (let [at, count] = [path, 0]; count < MAX_LINKS; count++) {
    const found = firstLink(at);
    if (found === null) break;
    // One that leads to its own folder is met again.
    links.add(found.link);
    at = found.next;
  }
  return [...links];
}

/** The first link on a path, and the path after following it; null: it has none. */
function firstLink(path: string): { link: string; next: string } | null {
  const parts = path.split('/').filter((part) => part !== '');
  let at = '';
  for (const [index, part] of parts.entries()) {
    at = `${at}/${part}`;
    try {
      return { link: at, next: resolve(dirname(at), readlinkSync(at), ...parts.slice(index + 1)) };
    } catch {
      // Not a link.
    }
  }
  return null;
}

/** The innermost mount comes first. */
function remoteMounts(lines: readonly string[]): Mount[] {
  const found = lines.flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [path] = before.split(' ').slice(4, 5);
    const [type = ''] = after.split(' ');
    // Where the whole system is on such a file system, nothing is gained by asking carefully.
    return path !== undefined && path !== '/' && REMOTE.test(type) ? [{ path: unescaped(path), type }] : [];
  });
  return found.sort((a, b) => b.path.length - a.path.length);
}

/** The kernel marks what a mount shows and its own folder no longer has. Of several mounts at one path the last counts. */
function replacedMounts(lines: readonly string[]): string[] {
  const roots = new Map<string, string>();
  for (const line of lines) {
    const [root = '', path = ''] = line.split(' ').slice(3, 5);
    roots.set(unescaped(path), root);
  }
  return [...roots].flatMap(([path, root]) => (root.endsWith('//deleted') ? [path] : []));
}

/** Blanks and line feeds are written in octal. */
const unescaped = (path: string) =>
  path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
