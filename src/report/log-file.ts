import { constants, writeSync } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';

export interface LogFileOptions {
  path: string;
  /** The file cannot be written any more; said once, until it can be again. */
  onTrouble: (error: Error) => void;
  /** It can be written again; so many lines were lost meanwhile. */
  onRelief: (lost: number) => void;
  now?: () => number;
}

/**
 * Kept while the disk is slow; what comes on top is lost. In characters: enough for a line about each of 30,000
 * certificates.
 */
const MAX_WAITING = 16 * 1024 * 1024;
/** After a failure the file is left alone for so long. */
const RETRY_MS = 5_000;
/** Whether somebody moved the file away is looked at no more often. */
const LOOK_MS = 1_000;

/**
 * Appends lines to a file, apart from everything else: a full disk or a missing folder costs lines, never time.
 * Several may write to one file, since every write is whole lines at its end. A file that was moved away (logrotate)
 * is created anew; one that was cut to nothing (copytruncate) goes on from there.
 */
export class LogFile {
  readonly #now: () => number;
  #waiting: string[] = [];
  #waitingLength = 0;
  #handle: FileHandle | null = null;
  #writing: Promise<void> | null = null;
  #lookedAt = 0;
  #failedAt: number | null = null;
  #lost = 0;
  /** The last write ended in the middle of a line. */
  #isTorn = false;
  #isClosed = false;
  readonly #atExit = () => this.writeLast();

  constructor(private readonly options: LogFileOptions) {
    this.#now = options.now ?? Date.now;
    process.once('exit', this.#atExit);
  }

  /** Takes one line with its line feed, none after the end; never blocks and never throws. */
  write(line: string): void {
    if (this.#isClosed) return;
    if (this.#waitingLength + line.length > MAX_WAITING) {
      this.#lost += 1;
      return;
    }
    this.#waiting.push(line);
    this.#waitingLength += line.length;
    this.#writing ??= this.drain().finally(() => {
      this.#writing = null;
    });
  }

  /** Resolves when what was taken is written, or lost. */
  async close(): Promise<void> {
    this.#isClosed = true;
    process.off('exit', this.#atExit);
    await this.#writing;
    await this.#handle?.close().catch(() => undefined);
    this.#handle = null;
  }

  private async drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.take();
      if (this.#failedAt !== null && this.#now() - this.#failedAt < RETRY_MS) {
        this.#lost += lines.length;
        continue;
      }
      try {
        await this.append(lines.join(''));
        this.relieve();
      } catch (error) {
        this.#lost += lines.length;
        await this.fail(error as Error);
      }
    }
  }

  /** In one call, so that lines of several writers do not mix. */
  private async append(text: string): Promise<void> {
    const handle = await this.current();
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text);
    const { bytesWritten } = await handle.write(bytes);
    if (bytesWritten > 0) this.#isTorn = bytesWritten < bytes.length;
    if (bytesWritten < bytes.length) throw new Error('the disk is full');
  }

  private take(): string[] {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingLength = 0;
    return lines;
  }

  /** The open file, which still stands under its name. */
  private async current(): Promise<FileHandle> {
    const now = this.#now();
    if (this.#handle !== null && now - this.#lookedAt >= LOOK_MS) {
      this.#lookedAt = now;
      const [mine, there] = await Promise.all([
        this.#handle.stat(),
        stat(this.options.path).catch(() => null),
      ]);
      if (there === null || there.ino !== mine.ino || there.dev !== mine.dev) {
        await this.#handle.close().catch(() => undefined);
        this.#handle = null;
      }
    }
    // Without waiting: a pipe that nobody reads would hold the thread for ever.
    const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
    this.#handle ??= await open(this.options.path, flags, 0o640);
    return this.#handle;
  }

  private async fail(error: Error): Promise<void> {
    const isNews = this.#failedAt === null;
    this.#failedAt = this.#now();
    await this.#handle?.close().catch(() => undefined);
    this.#handle = null;
    if (isNews) this.options.onTrouble(error);
  }

  private relieve(): void {
    if (this.#failedAt === null && this.#lost === 0) return;
    const lost = this.#lost;
    this.#failedAt = null;
    this.#lost = 0;
    this.options.onRelief(lost);
  }

  /** The process ends and waits for nothing: what a write under way does not hold is written at once. */
  private writeLast(): void {
    if (this.#handle === null || this.#writing === null) return;
    try {
      writeSync(this.#handle.fd, this.take().join(''));
    } catch {
      // There is nobody left to tell.
    }
  }
}
