import { readdirSync, statSync, type Dirent } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { refusal, type RawBundle, type Refusal, type Source, type SourceScan } from '../../model';
import { FileBundle, unreadable } from '../files/file-bundle';
import { OpenKeyFiles } from '../files/key-modes';
import { isKeystore, isOfBundle, pairFiles, type FilePair } from './pairing';
import { Slices } from '../../common/slices';
import { isRacy, sameStamp, stampOf, statOf, type Stamp } from '../../common/stamp';
import { FolderWatch } from '../files/watch';

/** Deeper trees are links that lead in circles, or not certificates. */
const MAX_DEPTH = 16;

interface Folder {
  path: string;
  /** Device and inode of itself and of every folder above it: links must not lead back to one of them. */
  lineage: readonly string[];
  /** Null: has to be listed again. */
  stamp: Stamp | null;
  bundles: Map<string, FileBundle>;
  folders: Set<string>;
}

/** Every certificate bundle below a folder, at any depth; see `pairFiles` for the names it knows. */
export class DirectorySource implements Source {
  readonly id: string;
  readonly #root: string;
  readonly #folders = new Map<string, Folder>();
  readonly #bundles = new Map<string, FileBundle>();
  /** Names that went since the last scan. */
  readonly #removed: string[] = [];
  readonly #openKeys = new OpenKeyFiles();
  #watch: FolderWatch | null = null;

  constructor(
    path: string,
    readonly create: boolean,
    /** The folder need not exist. */
    private readonly optional = false,
    /** Which of a folder's files are bundles. */
    private readonly pair = pairFiles,
  ) {
    this.#root = resolve(path);
    this.id = `directory:${this.#root}`;
  }

  async scan(touched?: ReadonlySet<string>): Promise<SourceScan> {
    const errors: Refusal[] = [];
    const slices = new Slices();
    if (this.#folders.size === 0) this.addFolder(this.#root, []);
    // The map grows while new folders are found; iteration includes them.
    const look = this.placesOf(touched ?? []);
    for (const folder of this.#folders.values()) {
      if (folder.stamp === null) look.set(folder.path, null);
      if (touched === undefined || this.mayHaveNew(folder, look.get(folder.path))) {
        this.listIfChanged(folder, errors);
      }
      if (slices.due) await slices.pause();
    }
    this.#watch?.follow([...this.#folders.keys()]);
    const changed: string[] = [];
    const looked = touched === undefined ? this.#bundles.values() : this.bundlesIn(look);
    for (const bundle of looked) {
      if (bundle.hasChanged()) changed.push(bundle.name);
      if (slices.due) await slices.pause();
    }
    return { changed, removed: this.#removed.splice(0), total: this.#bundles.size, errors };
  }

  read(name: string): RawBundle | Refusal | null {
    return this.#bundles.get(name)?.read() ?? null;
  }

  warnings(): string[] {
    return this.#openKeys.take();
  }

  watch(touched: (what: string) => void): () => void {
    const watch = new FolderWatch(this.#root, touched);
    this.#watch = watch;
    return () => watch.stop();
  }

  /** Which files of which folders were touched; null: any. */
  private placesOf(touched: Iterable<string>): Map<string, Set<string> | null> {
    const places = new Map<string, Set<string> | null>();
    for (const path of touched) {
      if (this.#folders.has(path)) places.set(path, null);
      const folder = dirname(path);
      const files = places.get(folder);
      if (files === undefined) places.set(folder, new Set([path]));
      else files?.add(path);
    }
    return places;
  }

  /** Whether what was touched in a folder may be a bundle or a folder that is not known yet, or be gone. */
  private mayHaveNew(folder: Folder, files: ReadonlySet<string> | null | undefined): boolean {
    if (files === undefined) return false;
    if (files === null || isLinked(files)) return true;
    const known = new Set([...folder.bundles.values()].flatMap(({ paths }) => paths));
    for (const path of files) {
      if (folder.folders.has(path)) return true;
      const stat = statOf(path);
      if (stat?.isDirectory() === true) return true;
      if (isOfBundle(path) && known.has(path) === (stat === null)) return true;
    }
    return false;
  }

  private *bundlesIn(places: ReadonlyMap<string, ReadonlySet<string> | null>): Iterable<FileBundle> {
    for (const [path, files] of places) {
      for (const bundle of this.#folders.get(path)?.bundles.values() ?? []) {
        if (files === null || bundle.isAmong(files) || isLinked(files)) yield bundle;
      }
    }
  }

  private addFolder(path: string, above: readonly string[]): void {
    const stat = statOf(path);
    const identity = stat === null ? path : `${stat.dev}:${stat.ino}`;
    if (this.#folders.has(path) || above.length >= MAX_DEPTH || above.includes(identity)) return;
    this.#folders.set(path, {
      path,
      lineage: [...above, identity],
      stamp: null,
      bundles: new Map(),
      folders: new Set(),
    });
  }

  private removeFolder(path: string): void {
    const folder = this.#folders.get(path);
    if (folder === undefined) return;
    this.#folders.delete(path);
    this.removeBundles(folder, () => true);
    for (const child of folder.folders) this.removeFolder(child);
  }

  private removeBundles(folder: Folder, gone: (id: string) => boolean): void {
    for (const [id, bundle] of folder.bundles) {
      if (!gone(id)) continue;
      folder.bundles.delete(id);
      // A certificate whose key file moved is another bundle of the same name.
      if (this.#bundles.get(bundle.name) !== bundle) continue;
      this.#bundles.delete(bundle.name);
      this.#removed.push(bundle.name);
    }
  }

  /** A folder's own time changes when an entry is added, removed or renamed; only then is it listed. */
  private listIfChanged(folder: Folder, errors: Refusal[]): void {
    const now = Date.now();
    const stamp = stampOf(folder.path);
    if (stamp === null) {
      if (folder.path === this.#root) {
        folder.stamp = null;
        this.updateFolder(folder, []);
        const why = whyOutOfReach(folder.path);
        if (why !== null) errors.push(why);
        else if (!this.optional)
          errors.push(
            refusal('unreadable', `${folder.path} does not exist (yet); create it or mount it there`),
          );
      } else this.removeFolder(folder.path);
      return;
    }
    if (folder.stamp !== null && sameStamp(folder.stamp, stamp)) return;
    let entries: Dirent[];
    try {
      entries = readdirSync(folder.path, { withFileTypes: true });
    } catch (error) {
      errors.push(
        (error as NodeJS.ErrnoException).code === 'ENOTDIR'
          ? refusal('unreadable', `${folder.path} is no folder; name one, or use a source of type file`)
          : unreadable(error, folder.path),
      );
      return;
    }
    this.updateFolder(folder, entries);
    folder.stamp = isRacy(stamp, now) ? null : stamp;
  }

  private updateFolder(folder: Folder, entries: readonly Dirent[]): void {
    const files: string[] = [];
    const folders = new Set<string>();
    for (const entry of entries) {
      // Kubernetes keeps its generations in `..2026_01_01…` and `..data`; the visible links lead there.
      if (entry.name.startsWith('.')) continue;
      const path = `${folder.path}/${entry.name}`;
      const isFolder = entry.isSymbolicLink() ? leadsToFolder(path) : entry.isDirectory();
      if (isFolder) folders.add(path);
      else files.push(entry.name);
    }
    for (const child of folder.folders) if (!folders.has(child)) this.removeFolder(child);
    folder.folders = folders;
    for (const child of folders) this.addFolder(child, folder.lineage);

    const pairs = new Map(this.pair(files).map((pair) => [`${pair.cert}\0${pair.key ?? ''}`, pair]));
    this.removeBundles(folder, (id) => !pairs.has(id));
    for (const [id, pair] of pairs) {
      if (folder.bundles.has(id)) continue;
      const certPath = `${folder.path}/${pair.cert}`;
      const keyPath = pair.key === null ? null : `${folder.path}/${pair.key}`;
      const bundle = new FileBundle(
        certPath.slice(this.#root.length + 1),
        certPath,
        keyPath,
        loneKind(pair),
        this.#openKeys,
      );
      folder.bundles.set(id, bundle);
      this.#bundles.set(bundle.name, bundle);
    }
  }
}

/** A file alone is a bundle only if a key is in it. */
const loneKind = ({ cert, key }: FilePair) => key === null && (isKeystore(cert) ? 'keystore' : true);

/** Kubernetes swaps `..data`; every file of the folder leads through it. */
const isLinked = (files: ReadonlySet<string>) => [...files].some((path) => basename(path).startsWith('..'));

/** Null: it does not exist. */
function whyOutOfReach(path: string): Refusal | null {
  try {
    statSync(path, { throwIfNoEntry: false });
    return null;
  } catch (error) {
    return unreadable(error, path);
  }
}

function leadsToFolder(path: string): boolean {
  return statOf(path)?.isDirectory() ?? false;
}
