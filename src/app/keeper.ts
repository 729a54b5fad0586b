import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Logger } from '../report';
import { KnowledgeFile } from '../status';
import type { Reloader } from './reloader';

/** A change is written this long after it, and so long after the last write. */
const SOON_MS = 1_000;
const PAUSE_MS = 30_000;
/** Writes the facts of one reloader to a file: soon after a change, and not too often. */
export class Keeper {
  readonly #file: KnowledgeFile;
  /** The last state that was written, and its reloader: each reloader counts its changes anew. */
  #mark = '';
  #writer: unknown = null;
  #inode = 0;
  #savedAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;
  #saving: Promise<void> | null = null;
  #isTroubled = false;
  #isClosed = false;

  constructor(
    readonly path: string,
    public knowledge: () => ReturnType<Reloader['knowledge']>,
    private readonly logger: Logger,
  ) {
    this.#file = new KnowledgeFile(path);
  }

  note(): void {
    if (this.#timer !== null || this.#isClosed) return;
    const wait = Math.max(SOON_MS, this.#savedAt + PAUSE_MS - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.save();
    }, wait);
    this.#timer.unref();
  }

  async finish(): Promise<void> {
    this.close();
    await this.#saving;
    await this.save();
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  remove(): void {
    this.close();
    void (this.#saving ?? Promise.resolve()).finally(() => removeSoon(this.path));
  }

  private async save(): Promise<void> {
    this.#saving ??= this.write().finally(() => {
      this.#saving = null;
      this.#savedAt = performance.now();
    });
    await this.#saving;
  }

  private async write(): Promise<void> {
    const { path, knowledge } = this;
    try {
      const known = knowledge();
      if (known === null) return;
      const isOurs = statSync(path, { throwIfNoEntry: false })?.ino === this.#inode;
      const isSame = knowledge === this.#writer && known.mark === this.#mark;
      if (isSame && isOurs) await this.#file.confirm(known.head.known_at);
      else {
        await this.#file.save(known);
        this.#mark = known.mark;
        this.#writer = knowledge;
        this.#inode = statSync(path).ino;
      }
      if (this.#isTroubled)
        this.logger.log('info', 'the knowledge for the next process is kept again', { file: path });
      this.#isTroubled = false;
    } catch (error) {
      if (this.#isTroubled) return;
      this.#isTroubled = true;
      const { code, message } = error as NodeJS.ErrnoException;
      this.logger.log('warn', 'the knowledge for the next process cannot be kept', {
        file: path,
        error: code ?? message,
      });
    }
  }
}

/** Removes a file in the background; a failure is ignored. */
export function removeSoon(path: string): void {
  rm(path, { force: true }).catch(() => undefined);
}
