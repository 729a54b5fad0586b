import { dirname, resolve } from 'node:path';
import type { RawBundle, Refusal, Source, SourceScan } from '../../model';
import { FileBundle } from '../files/file-bundle';
import { OpenKeyFiles } from '../files/key-modes';
import { FolderWatch } from '../files/watch';

/** One certificate file and its key file (or one file that holds both). */
export class FileSource implements Source {
  readonly id: string;
  /** Path of the certificate, and the name of its one bundle. */
  readonly location: string;
  readonly #bundle: FileBundle;
  readonly #folders: readonly string[];
  readonly #openKeys = new OpenKeyFiles();
  #watches: readonly FolderWatch[] = [];

  constructor(
    cert: string,
    key: string | null,
    readonly create: boolean,
  ) {
    const certPath = resolve(cert);
    this.id = `file:${certPath}`;
    this.location = certPath;
    this.#bundle = new FileBundle(
      certPath,
      certPath,
      key === null ? null : resolve(key),
      false,
      this.#openKeys,
    );
    this.#folders = [...new Set([dirname(certPath), ...(key === null ? [] : [dirname(resolve(key))])])];
  }

  scan(): Promise<SourceScan> {
    // A folder may have come, or be another one now.
    for (const watch of this.#watches) watch.refresh();
    const changed = this.#bundle.hasChanged() ? [this.#bundle.name] : [];
    return Promise.resolve({ changed, removed: [], total: 1, errors: [] });
  }

  read(): RawBundle | Refusal {
    return this.#bundle.read();
  }

  warnings(): string[] {
    return this.#openKeys.take();
  }

  watch(touched: (what: string) => void): () => void {
    const watches = this.#folders.map((folder) => new FolderWatch(folder, touched));
    this.#watches = watches;
    return () => {
      for (const watch of watches) watch.stop();
    };
  }
}
