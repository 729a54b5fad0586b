import type { Dirent, Stats } from 'node:fs';
import { dirname } from 'node:path';
import { printable } from '../../common/printable';
import { Slices } from '../../common/slices';
import { isRacy, sameStamp, toStamp, type Stamp } from '../../common/stamp';
import { refusal, type Refusal, type StrayFile } from '../../model';
import type { PlaceAccess } from '../files/access';
import { brokenLink, unreadable } from '../files/trouble';
import { whyNotFollowed } from './links';

/** Deeper trees hold no certificates. */
const MAX_DEPTH = 16;
/** More folders than any source of certificates has; a link to `/` leads to more. */
const MAX_FOLDERS = 30_000;

export interface Folder {
  path: string;
  depth: number;
  /** Null: to be listed again. */
  stamp: Stamp | null;
  /** Device and inode: a folder that several links lead to is scanned once. */
  identity: string;
  children: ReadonlySet<string>;
  /** Links in it that are not followed. */
  strays: readonly StrayFile[];
}

/** Gets the findings of the tree. */
interface TreeVisitor {
  /** @param files names of its present files, without hidden ones */
  listed(folder: Folder, files: readonly string[]): void;
  removed(folder: Folder): void;
}

interface TreeOptions {
  /** The root may be missing. */
  isOptional: boolean;
  maxFolders?: number;
}

/** The folders below a root, links included, each real folder once. */
export class FolderTree {
  readonly folders = new Map<string, Folder>();
  readonly #byIdentity = new Map<string, string>();
  /** Other paths of folders that are known by a first path, by identity. */
  readonly #repeated = new Map<string, Set<string>>();
  readonly #maxFolders: number;
  /** Links to folders that are followed last: a folder is known by its own path where it has one here. */
  #links: { path: string; depth: number }[] = [];
  /** Whether there are more folders than are scanned. */
  #isFull = false;
  #owner = 0;

  constructor(
    private readonly root: string,
    private readonly visitor: TreeVisitor,
    private readonly options: TreeOptions,
  ) {
    this.#maxFolders = options.maxFolders ?? MAX_FOLDERS;
  }

  /**
   * Lists folders that changed: a folder's own time changes when an entry is added, removed or renamed.
   * @param isWanted folders to check; new ones are listed in any case
   */
  async look(access: PlaceAccess, isWanted: (folder: Folder) => boolean): Promise<Refusal[]> {
    const errors: Refusal[] = [];
    const slices = new Slices();
    if (this.folders.size === 0) await this.add(access, this.root, 0);
    // The map grows while new folders are found; the iteration includes them.
    let isFirst = true;
    do {
      for (const { path, depth } of this.#links.splice(0)) await this.add(access, path, depth);
      for (const folder of this.folders.values()) {
        const isNew = folder.stamp === null;
        // Asked for new folders, too, since the callback records which folders are scanned.
        if ((isNew || isFirst) && (isWanted(folder) || isNew))
          await this.listIfChanged(access, folder, errors);
        if (slices.due) await slices.pause();
      }
      isFirst = false;
    } while (this.#links.length > 0);
    if (this.#isFull) errors.push(this.tooMany());
    return errors;
  }

  private tooMany(): Refusal {
    return refusal(
      'too_large',
      `${printable(this.root)} has more than ${this.#maxFolders.toLocaleString('en')} folders below it, those that ` +
        'links lead to included; the rest is not read. Give the folder of the certificates itself',
    );
  }

  private async add(access: PlaceAccess, path: string, depth: number): Promise<void> {
    if (this.folders.has(path)) return;
    const identity = (await access.identity(path)) ?? path;
    if (this.#byIdentity.has(identity)) {
      const repeated = this.#repeated.get(identity) ?? new Set();
      this.#repeated.set(identity, repeated.add(path));
    } else if (this.folders.size >= this.#maxFolders) this.#isFull = true;
    else {
      this.folders.set(path, { path, depth, stamp: null, identity, children: new Set(), strays: [] });
      this.#byIdentity.set(identity, path);
    }
  }

  private remove(path: string): void {
    const folder = this.folders.get(path);
    if (folder === undefined) return;
    this.folders.delete(path);
    this.#isFull = false;
    this.visitor.removed(folder);
    this.forget(folder);
    for (const child of folder.children) this.remove(child);
  }

  /** Releases a path; its folder is looked for by the other paths that lead to it. */
  private forget({ identity }: Folder): void {
    this.#byIdentity.delete(identity);
    for (const path of this.#repeated.get(identity) ?? []) {
      const above = this.folders.get(dirname(path));
      if (above !== undefined) above.stamp = null;
    }
    this.#repeated.delete(identity);
  }

  private async listIfChanged(access: PlaceAccess, folder: Folder, errors: Refusal[]): Promise<void> {
    const now = Date.now();
    const found = access.stat(folder.path);
    const stat = found instanceof Promise ? await found : found;
    if (stat === null) {
      if (folder.path !== this.root) this.remove(folder.path);
      else await this.rootIsMissing(access, folder, errors);
      return;
    }
    const stamp = toStamp(stat);
    if (folder.stamp !== null && sameStamp(folder.stamp, stamp)) return;
    await this.identify(access, folder);
    if (folder.path === this.root) this.#owner = stat.uid;
    let entries: Dirent[];
    try {
      entries = await access.list(folder.path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EHANGING') throw error;
      errors.push(
        (error as NodeJS.ErrnoException).code === 'ENOTDIR'
          ? refusal(
              'unreadable',
              `${printable(folder.path)} is not a folder; give one, or use a source of type file`,
            )
          : unreadable(error, folder.path),
      );
      return;
    }
    await this.update(access, folder, stat, entries);
    folder.stamp = isRacy(stamp, now) ? null : stamp;
  }

  /** A path may lead to another folder than before. */
  private async identify(access: PlaceAccess, folder: Folder): Promise<void> {
    const identity = (await access.identity(folder.path)) ?? folder.path;
    if (identity === folder.identity) return;
    this.forget(folder);
    folder.identity = identity;
    if (!this.#byIdentity.has(identity)) this.#byIdentity.set(identity, folder.path);
  }

  private async rootIsMissing(access: PlaceAccess, folder: Folder, errors: Refusal[]): Promise<void> {
    folder.stamp = null;
    for (const child of folder.children) this.remove(child);
    folder.children = new Set();
    this.visitor.listed(folder, []);
    try {
      await access.list(folder.path);
    } catch (error) {
      const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT' && brokenLink(folder.path) === null;
      if (!isAbsent) errors.push(unreadable(error, folder.path));
      else if (!this.options.isOptional) {
        const where = printable(folder.path);
        errors.push(refusal('unreadable', `${where} does not exist (yet); create it or mount it there`));
      }
    }
  }

  private async update(
    access: PlaceAccess,
    folder: Folder,
    stat: Stats,
    entries: readonly Dirent[],
  ): Promise<void> {
    const files: string[] = [];
    const children = new Set<string>();
    const strays: StrayFile[] = [];
    const real: { path: string; depth: number }[] = [];
    for (const entry of entries) {
      // Kubernetes keeps generations in `..2026_01_01…` and `..data`; the visible links lead there.
      if (entry.name.startsWith('.')) continue;
      if (entry.isFile()) {
        files.push(entry.name);
        continue;
      }
      const path = `${folder.path}/${entry.name}`;
      let isFolder = entry.isDirectory();
      if (entry.isSymbolicLink()) {
        access.linkFound(path);
        const target = access.stat(path);
        isFolder = (target instanceof Promise ? await target : target)?.isDirectory() ?? false;
        const why = await whyNotFollowed(access, path, {
          isFolder,
          root: this.root,
          owner: this.#owner,
          folder: stat,
        });
        if (why !== null) {
          strays.push(why);
          continue;
        }
      }
      if (!isFolder) {
        files.push(entry.name);
        continue;
      }
      children.add(path);
      if (folder.depth < MAX_DEPTH)
        (entry.isDirectory() ? real : this.#links).push({ path, depth: folder.depth + 1 });
    }
    for (const child of folder.children) if (!children.has(child)) this.remove(child);
    folder.children = children;
    folder.strays = strays;
    for (const { path, depth } of real) await this.add(access, path, depth);
    this.visitor.listed(folder, files);
  }
}
