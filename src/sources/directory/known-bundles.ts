import type { RawBundle } from '../../model';
import { FileBundle, type BundleFiles, type BundleOptions } from '../files/file-bundle';

/** The bundles that were found below a folder, by name and by folder. */
export class KnownBundles {
  readonly #byName = new Map<string, FileBundle>();
  readonly #byFolder = new Map<string, Set<FileBundle>>();
  /** Names that are gone since the last scan. */
  readonly #removed = new Set<string>();

  /** @param options one object for thousands of bundles */
  constructor(
    private readonly root: string,
    private readonly options: BundleOptions,
  ) {}

  get size(): number {
    return this.#byName.size;
  }

  get(name: string): FileBundle | undefined {
    return this.#byName.get(name);
  }

  values(): Iterable<FileBundle> {
    return this.#byName.values();
  }

  /** Bundles with a file in a folder. */
  in(folder: string): Iterable<FileBundle> {
    return this.#byFolder.get(folder) ?? [];
  }

  /** Bundles of a folder that one of these files belongs to. */
  among(folder: string, files: ReadonlySet<string>): FileBundle[] {
    const found: FileBundle[] = [];
    for (const bundle of this.in(folder)) if (bundle.isAmong(files)) found.push(bundle);
    return found;
  }

  /** @param path gives the bundle its name, where no other has it */
  add(files: BundleFiles, standalone: RawBundle['standalone'], path = files.cert): FileBundle {
    const nameOf = (of: string) => of.slice(this.root.length + 1);
    const first = nameOf(path);
    const name = this.#byName.has(first) ? nameOf(files.cert) : first;
    const options = standalone === undefined ? this.options : { ...this.options, standalone };
    const bundle = new FileBundle(name, files, options);
    this.#byName.set(name, bundle);
    for (const folder of bundle.folders) {
      const known = this.#byFolder.get(folder);
      if (known === undefined) this.#byFolder.set(folder, new Set([bundle]));
      else known.add(bundle);
    }
    return bundle;
  }

  remove(bundle: FileBundle): void {
    for (const folder of bundle.folders) {
      const bundles = this.#byFolder.get(folder);
      bundles?.delete(bundle);
      if (bundles?.size === 0) this.#byFolder.delete(folder);
    }
    // A certificate whose key file moved becomes another bundle of the same name.
    if (this.#byName.get(bundle.name) !== bundle) return;
    this.#byName.delete(bundle.name);
    this.#removed.add(bundle.name);
  }

  /** Names that are gone since the last call. */
  takeRemoved(): string[] {
    const removed = [...this.#removed].filter((name) => !this.#byName.has(name));
    this.#removed.clear();
    return removed;
  }
}
