import { dirname, resolve } from 'node:path';
import type { MaybePromise } from '../../common/maybe-async';
import { printable } from '../../common/printable';
import { statOf, toStamp, type Stamp } from '../../common/stamp';
import {
  NOT_RENEWED,
  type RawBundle,
  type Refusal,
  type Renewed,
  type Source,
  type SourceScan,
} from '../../model';
import { PlaceAccess } from '../files/access';
import { FileBundle } from '../files/file-bundle';
import { OpenKeyFiles } from '../files/key-modes';
import { unreadable } from '../files/trouble';
import { FolderWatch } from '../files/watch';

interface FileSourceOptions {
  /** The chain, in a file of its own. */
  chain?: string | null;
}

/** One certificate file and its key file (or one file with both). */
export class FileSource implements Source {
  readonly id: string;
  /** Path of the certificate, which is also the name of its one bundle. */
  readonly location: string;
  readonly #bundle: FileBundle;
  readonly #access: PlaceAccess;
  readonly #openKeys = new OpenKeyFiles();
  #watches: readonly FolderWatch[] = [];

  constructor(
    cert: string,
    key: string | null,
    readonly create: boolean,
    { chain = null }: FileSourceOptions = {},
  ) {
    const certPath = resolve(cert);
    this.id = `file:${certPath}`;
    this.location = printable(certPath);
    this.#access = new PlaceAccess(certPath);
    this.#bundle = new FileBundle(
      certPath,
      {
        cert: certPath,
        key: key === null ? null : resolve(key),
        ...(chain === null ? {} : { chain: resolve(chain) }),
      },
      { openKeys: this.#openKeys },
    );
  }

  async scan(): Promise<SourceScan> {
    // A folder may have appeared, or been replaced.
    for (const watch of this.#watches) watch.refresh();
    this.#access.refresh();
    const found = { changed: [] as string[], removed: [], total: 1, errors: this.#access.replacedMounts };
    try {
      if (await this.hasChanged()) found.changed.push(this.#bundle.name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EHANGING') throw error;
      found.errors.push(unreadable(error, this.location));
    }
    return found;
  }

  read(): MaybePromise<RawBundle | Refusal> {
    return this.#bundle.read(this.#access);
  }

  renewedBy(touched: ReadonlySet<string>): Renewed {
    const { paths, name } = this.#bundle;
    if (!this.#access.isLocal || !paths.some((path) => touched.has(path))) return NOT_RENEWED;
    const begun = [name];
    if (!paths.every((path) => touched.has(path))) return { ...NOT_RENEWED, begun };
    const folders = new Set(paths.map((path) => dirname(path)));
    // Drafts that were renamed by now.
    const drafts = [...touched].filter((path) => folders.has(dirname(path)) && statOf(path) === null);
    return { begun, bundles: begun, files: [...paths, ...drafts] };
  }

  warnings(): string[] {
    return this.#openKeys.take();
  }

  watch(touched: (what: string) => void): () => void {
    const folders = new Set(this.#bundle.paths.map((path) => dirname(path)));
    const watches = [...folders].map((folder) => new FolderWatch(folder, touched));
    this.#watches = watches;
    return () => {
      for (const watch of watches) watch.stop();
    };
  }

  private async hasChanged(): Promise<boolean> {
    const stamps = new Map<string, Stamp | null>();
    for (const path of this.#bundle.watched()) {
      const stat = await this.#access.stat(path);
      stamps.set(path, stat === null ? null : toStamp(stat));
    }
    return this.#bundle.hasChanged((path) => stamps.get(path) ?? null);
  }
}
