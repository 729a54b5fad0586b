import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { readConfiguredFile } from '../common/configured-file';
import { removeDrafts, replaceFile, replaceOwnFile } from '../common/replace-file';
import type { Log } from '../model';
import { HomeBook } from '../plan';
import type { PassContext, Step } from './step';

/** Longer than any book of homes. */
const MAX_BYTES = 32 * 1024 * 1024;

/** File that remembers which source each certificate came from; one for each entry. */
export function homesPath(folder: string, entry: string): string {
  const digest = createHash('sha256').update(entry).digest('hex');
  return join(folder, `ssl-cert-reloader.homes-${digest.slice(0, 12)}`);
}

/** Keeps the homes of Kong's certificates from one process to the next: ids of bundles and names, nothing secret. */
export class HomesFile {
  constructor(private readonly path: string) {}

  load(): HomeBook {
    removeDrafts(this.path);
    try {
      return HomeBook.load(readConfiguredFile(this.path, MAX_BYTES));
    } catch {
      return new HomeBook();
    }
  }

  /** @returns why it cannot be written, in a sentence; null: it was written */
  save(text: string): string | null {
    try {
      replaceFile(this.path, text, null);
      return null;
    } catch (error) {
      return this.why(error);
    }
  }

  /** The same, without holding up anything else. */
  async saveBeside(text: string): Promise<string | null> {
    try {
      await replaceOwnFile(this.path, text);
      return null;
    } catch (error) {
      return this.why(error);
    }
  }

  private why(error: unknown): string {
    const { code = (error as Error).message } = error as NodeJS.ErrnoException;
    return `${this.path} cannot be written (${code}): after a restart it is not known which source each certificate came from`;
  }
}

/** Writes the homes after a pass that learned something new. */
export class HomesStep implements Step {
  #trouble: string | null = null;
  #said: string | null = null;
  /** Writes are made one after the other. */
  #saving: Promise<void> | null = null;

  constructor(
    private readonly homes: HomeBook,
    private readonly file: HomesFile,
  ) {}

  async run({ observe, touched }: PassContext): Promise<void> {
    if (observe || !this.homes.takeChanged()) return;
    if (touched === undefined) {
      if (this.#saving !== null) await this.#saving;
      this.#trouble = this.file.save(this.homes.serialise());
      return;
    }
    // The next renewal does not wait for the disk.
    const saving = this.saveBeside(this.#saving).finally(() => {
      if (this.#saving === saving) this.#saving = null;
    });
    this.#saving = saving;
  }

  private async saveBeside(before: Promise<void> | null): Promise<void> {
    await before;
    this.#trouble = await this.file.saveBeside(this.homes.serialise());
  }

  log(log: Log): void {
    if (this.#trouble !== null && this.#trouble !== this.#said)
      log('warn', 'homes of certificates are not kept', { detail: this.#trouble });
    if (this.#trouble === null && this.#said !== null) log('info', 'homes of certificates are kept again');
    this.#said = this.#trouble;
  }
}
