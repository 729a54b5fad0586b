import { basename, dirname, resolve } from 'node:path';
import { openEndsOf } from '../../certificates';
import { inSlices } from '../../common/slices';
import { statOf } from '../../common/stamp';
import {
  NOT_RENEWED,
  type Reading,
  type Renewed,
  type Source,
  type SourceScan,
  type StrayFile,
} from '../../model';
import { PlaceAccess } from '../files/access';
import type { BundleFiles, FileBundle } from '../files/file-bundle';
import { OpenKeyFiles } from '../files/key-modes';
import { unreadable } from '../files/trouble';
import { FolderWatch } from '../files/watch';
import type { Passwords } from '../password';
import { LooseIssuerFiles } from './beside';
import { FileContents } from './contents';
import { KnownBundles } from './known-bundles';
import { layoutOf, type Layout } from './layout';
import { matchFiles } from './match';
import { misnamedAmong, misnamedStrays } from './misnamed';
import { isOfInterest, parseName } from './names';
import { ScanStamps } from './scan-stamps';
import { FolderTree, type Folder } from './tree';

/** Most pairs whose keys are read because other certificates lie beside them. */
const MAX_TOLD_KEYS = 50;

interface DirectoryOptions {
  /** The folder may be missing. */
  isOptional?: boolean;
  /** Finds the bundles among a folder's files by name. */
  layout?: (names: readonly string[]) => Layout;
  /** Passwords of encrypted keys, needed to find their certificates; refreshed by the caller. */
  passwords?: Pick<Passwords, 'passwordOf'> | null;
  maxFolders?: number;
  maxFiles?: number;
}

/** Every certificate bundle below a folder, at any depth; `layoutOf` and `matchFiles` define what belongs together. */
export class DirectorySource implements Source {
  readonly id: string;
  readonly #root: string;
  readonly #tree: FolderTree;
  readonly #contents: FileContents;
  /** Bundles found by names, by folder. */
  readonly #told = new Map<string, ReadonlySet<FileBundle>>();
  /** Bundles found by contents, by files. */
  #matched = new Map<string, FileBundle>();
  readonly #openKeys = new OpenKeyFiles();
  readonly #bundles: KnownBundles;
  #strays: readonly StrayFile[] = [];
  #looseIssuers: LooseIssuerFiles | null = null;
  readonly #access: PlaceAccess;
  #watch: FolderWatch | null = null;

  constructor(
    path: string,
    readonly create: boolean,
    private readonly options: DirectoryOptions = {},
  ) {
    this.#root = resolve(path);
    this.id = `directory:${this.#root}`;
    this.#access = new PlaceAccess(this.#root);
    const { isOptional = false, maxFolders } = options;
    this.#bundles = new KnownBundles(this.#root, {
      openKeys: this.#openKeys,
      openEndsOf,
      looseIssuers: () => this.#looseIssuers,
    });
    this.#contents = new FileContents(options.passwords ?? null, options.maxFiles);
    this.#tree = new FolderTree(
      this.#root,
      {
        listed: (folder, files) => this.arrange(folder, files),
        removed: (folder) => this.arrange(folder, []),
      },
      { isOptional, ...(maxFolders === undefined ? {} : { maxFolders }) },
    );
  }

  async scan(touched?: ReadonlySet<string>): Promise<SourceScan> {
    if (touched === undefined) this.#access.refresh();
    try {
      return await this.look(touched === undefined ? null : this.placesOf(touched));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EHANGING') throw error;
      // The known bundles stay.
      return { changed: [], removed: [], total: this.#bundles.size, errors: [unreadable(error, this.#root)] };
    }
  }

  read(name: string): Reading | Promise<Reading> {
    return this.#bundles.get(name)?.read(this.#access) ?? null;
  }

  renewedBy(touched: ReadonlySet<string>): Renewed {
    if (!this.#access.isLocal) return NOT_RENEWED;
    const begun: string[] = [];
    const explained: string[] = [];
    let areWhole = true;
    for (const [folder, paths] of this.placesOf(touched)) {
      if (paths === null || isLinked(paths)) continue;
      for (const bundle of this.#bundles.among(folder, paths)) {
        begun.push(bundle.name);
        areWhole &&= bundle.paths.every((path) => touched.has(path));
        explained.push(...bundle.paths);
      }
      // Drafts that were renamed by now.
      for (const path of paths) if (!this.#contents.has(path) && statOf(path) === null) explained.push(path);
    }
    return areWhole ? { begun, bundles: begun, files: explained } : { ...NOT_RENEWED, begun };
  }

  warnings(): string[] {
    return [...this.#openKeys.take(), ...(this.#watch?.takeWarnings() ?? [])];
  }

  watch(touched: (what: string) => void): () => void {
    const watch = new FolderWatch(this.#root, touched);
    this.#watch = watch;
    return () => watch.stop();
  }

  /** @param places touched files by folder (null: any file); null: everything is scanned */
  private async look(places: Map<string, ReadonlySet<string> | null> | null): Promise<SourceScan> {
    const errors = this.#access.replacedMounts;
    const troubles = await this.#tree.look(this.#access, (folder) => {
      if (places === null) return true;
      if (folder.stamp === null) places.set(folder.path, null);
      return this.mayHaveNew(folder, places.get(folder.path));
    });
    errors.push(...troubles);
    const stamps = new ScanStamps(this.#access, this.#contents);
    const folders = places === null ? null : [...places.keys()];
    if (!this.#access.isLocal) await this.fetchStamps(stamps, places);
    if (await this.#contents.refresh(this.#access, stamps.of, folders)) this.match();
    if (this.#contents.isFull) errors.push(this.#contents.tooMany(this.#root));
    this.#watch?.follow(this.#tree.folders.values());
    const changed: string[] = [];
    await inSlices(places === null ? this.#bundles.values() : this.bundlesIn(places), (bundle) => {
      if (bundle.hasChanged(stamps.of)) changed.push(bundle.name);
    });
    const removed = this.#bundles.takeRemoved();
    return { changed, removed, total: this.#bundles.size, strays: this.strays(), errors };
  }

  private *bundlesIn(places: ReadonlyMap<string, ReadonlySet<string> | null>): Iterable<FileBundle> {
    for (const [folder, files] of places) {
      if (files === null || isLinked(files)) yield* this.#bundles.in(folder);
      else yield* this.#bundles.among(folder, files);
    }
  }

  /** Where a call may hang, all stamps are fetched before anything is compared. */
  private async fetchStamps(stamps: ScanStamps, places: ReadonlyMap<string, unknown> | null): Promise<void> {
    const paths = new Set(this.#contents.paths());
    for (const bundle of this.#bundles.values()) for (const path of bundle.watched()) paths.add(path);
    for (const path of paths) if (places === null || places.has(dirname(path))) await stamps.fetch(path);
  }

  private strays(): StrayFile[] {
    const ofLinks = [...this.#tree.folders.values()].flatMap(({ strays }) => strays);
    return [...ofLinks, ...this.#strays];
  }

  /** Touched files by folder; null: any file. */
  private placesOf(touched: Iterable<string>): Map<string, Set<string> | null> {
    const places = new Map<string, Set<string> | null>();
    for (const path of touched) {
      if (this.#tree.folders.has(path)) places.set(path, null);
      const folder = dirname(path);
      const files = places.get(folder);
      if (files === undefined) places.set(folder, new Set([path]));
      else files?.add(path);
    }
    return places;
  }

  /** Whether a touched path may be new or gone. */
  private mayHaveNew(folder: Folder, files: ReadonlySet<string> | null | undefined): boolean {
    if (files === undefined) return false;
    if (files === null || isLinked(files)) return true;
    const known = new Set(this.#bundles.among(folder.path, files).flatMap(({ paths }) => paths));
    const isKnown = (path: string) => this.#contents.has(path) || known.has(path);
    for (const path of files) {
      if (folder.children.has(path)) return true;
      if (!this.#access.isLocal) return true;
      const stat = statOf(path);
      if (stat?.isDirectory() === true) return true;
      if (isOfInterest(basename(path)) && isKnown(path) === (stat === null)) return true;
    }
    return false;
  }

  /** Takes over a folder's files by their names. */
  private arrange(folder: Folder, names: readonly string[]): void {
    const layout = (this.options.layout ?? layoutOf)(names);
    // Joined from a list: V8 would keep the result of a template in parts.
    const inFolder = (name: string) => [folder.path, name].join('/');
    const wanted = [...layout.pairs, ...layout.keystores].map(
      ({ cert, key, beside = NONE }): BundleFiles => ({
        cert: inFolder(cert),
        key: key === null ? null : inFolder(key),
        beside: beside.length === 0 ? NONE : beside.map(inFolder),
      }),
    );
    const before = this.#told.get(folder.path) ?? NO_BUNDLES;
    const isFirst = before.size === 0;
    const added = new Set(isFirst ? [] : wanted.map(idOf));
    const told = new Set<FileBundle>();
    for (const bundle of before) {
      if (added.delete(idOf(bundle.files))) told.add(bundle);
      else this.#bundles.remove(bundle);
    }
    const keystores = new Set(layout.keystores.map(({ cert }) => inFolder(cert)));
    for (const files of wanted)
      if (isFirst || added.has(idOf(files)))
        told.add(this.#bundles.add(files, keystores.has(files.cert) ? 'keystore' : undefined));
    if (told.size > 0) this.#told.set(folder.path, told);
    else this.#told.delete(folder.path);
    const misnamed = this.options.layout === undefined ? misnamedAmong(names) : [];
    const keys =
      layout.unclear.length + misnamed.length === 0
        ? []
        : layout.pairs.slice(0, MAX_TOLD_KEYS).map(({ key }) => key);
    const toldKeys = keys.flatMap((key) => (key === null ? [] : (parseName(key) ?? [])));
    this.#contents.set(folder.path, layout.unclear, toldKeys, misnamed);
  }

  /** Makes bundles from the contents of files. */
  private match(): void {
    const before = new Map([...this.#matched.values()].map(({ files }) => [files.cert, files.key]));
    const all = [...this.#contents.files()];
    const files = all.filter(({ isMisnamed }) => isMisnamed !== true);
    this.#looseIssuers = LooseIssuerFiles.of(files, this.#looseIssuers);
    const { bundles, strays } = matchFiles(files, before);
    const matched = new Map<string, FileBundle>();
    const wanted = new Map(
      bundles.map((files) => [
        [files.cert, files.key ?? '', files.isAlone, ...files.beside].join('\0'),
        files,
      ]),
    );
    for (const [id, bundle] of this.#matched) {
      if (wanted.has(id)) matched.set(id, bundle);
      else this.#bundles.remove(bundle);
    }
    for (const [id, { cert, key, beside, isAlone, isNumbered }] of wanted) {
      if (matched.has(id)) continue;
      const name = isNumbered ? cert.replace(/\d+(?=\.[a-z]+$)/, '*') : cert;
      matched.set(id, this.#bundles.add({ cert, key, beside }, isAlone ? 'leaf' : undefined, name));
    }
    this.#matched = matched;
    this.#strays = [
      ...strays,
      ...misnamedStrays(
        all.filter(({ isMisnamed }) => isMisnamed),
        files,
      ),
    ];
  }
}

const NONE: readonly string[] = [];
const NO_BUNDLES: ReadonlySet<FileBundle> = new Set();

/** Tells bundles of a folder from each other. */
const idOf = ({ cert, key, beside = NONE }: BundleFiles) => [cert, key ?? '', ...beside].join('\0');

/** Kubernetes replaces the link `..data`, through which every file of the folder is reached. */
const isLinked = (files: ReadonlySet<string>) => [...files].some((path) => basename(path).startsWith('..'));
