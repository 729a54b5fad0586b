import { constants, writeSync } from 'node:fs';
import { open, realpath, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { otherHandOn } from './other-hands';

interface LineFileOptions {
  path: string;
  /** Called once when the file cannot be written any more. */
  onTrouble: (error: Error) => void;
  /** Called when it can be written again, with the number of lines lost meanwhile. */
  onRelief: (lost: number) => void;
  /** A longer file is moved to `<path>.1`, replacing an earlier one; default: it is never moved. */
  maxBytes?: number;
  /**
   * The folder may belong to another user: no link is followed, and a file that root creates is given to the
   * folder's owner. Default: as it is found when the file is opened.
   */
  isInForeignFolder?: true;
  now?: () => number;
}

/**
 * Characters that are kept while the disk is slow, enough for a line about each of 30,000 certificates; further
 * lines are lost.
 */
const MAX_WAITING = 16 * 1024 * 1024;
/** Pause after a failure. */
const RETRY_MS = 5_000;
/** Least time between checks whether the file was moved away. */
const LOOK_MS = 1_000;

/**
 * Appends lines to a file without holding up anything else: a full disk or a missing folder costs lines, never
 * time. Several processes may write to one file, since every write appends whole lines. A file that was moved away
 * (logrotate) is created anew; one that was truncated (copytruncate) goes on from there. An unfinished line of a
 * killed process is ended first.
 */
export class LineFile {
  readonly #now: () => number;
  #waiting: string[] = [];
  #waitingLength = 0;
  #handle: FileHandle | null = null;
  #writing: Promise<void> | null = null;
  #lookedAt = 0;
  #failedAt: number | null = null;
  #lost = 0;
  /** True where the last write ended in the middle of a line. */
  #isTorn = false;
  #isClosed = false;
  readonly #atExit = () => this.writeLast();

  constructor(private readonly options: LineFileOptions) {
    this.#now = options.now ?? Date.now;
    process.once('exit', this.#atExit);
  }

  /** Takes one line with its line feed, ignored after `close`; never blocks and never throws. */
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

  /** Resolves when every accepted line is written, or lost. */
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

  /** One write for all, so that lines of several writers do not mix. */
  private async append(text: string): Promise<void> {
    const handle = await this.current();
    const bytes = Buffer.from(this.#isTorn ? `\n${text}` : text);
    const { bytesWritten } = await handle.write(bytes);
    if (bytesWritten > 0) this.#isTorn = bytesWritten < bytes.length;
    if (bytesWritten < bytes.length) throw new Error('the disk is full');
    const { maxBytes = Number.POSITIVE_INFINITY } = this.options;
    if (maxBytes !== Number.POSITIVE_INFINITY && (await handle.stat()).size > maxBytes)
      await this.rotate(handle);
  }

  /**
   * Moves the full file away. Another process that has it open notices within a second; until then its lines go to
   * the moved file.
   */
  private async rotate(handle: FileHandle): Promise<void> {
    const { path } = this.options;
    const [mine, there] = await Promise.all([handle.stat(), stat(path).catch(() => null)]);
    // Otherwise another process has just moved it.
    if (there?.ino === mine.ino) await rename(path, `${path}.1`);
    await handle.close();
    this.#handle = null;
  }

  private take(): string[] {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#waitingLength = 0;
    return lines;
  }

  /** The open file, reopened where it no longer has its name. */
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
    this.#handle ??= await this.open();
    return this.#handle;
  }

  private async open(): Promise<FileHandle> {
    const { path } = this.options;
    // Non-blocking: a pipe without a reader would hold the thread for ever.
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOFOLLOW } = constants;
    // Whoever may change the folder chooses where a link leads; `/dev/stderr` is root's.
    const hasOtherHands = otherHandOn(dirname(path)) !== null;
    const isForeign = this.options.isInForeignFolder ?? hasOtherHands;
    if (hasOtherHands && otherHandOn(await realpath(dirname(path))) === null)
      throw new Error('a link that others may change leads to its folder');
    const flags = O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | (isForeign ? O_NOFOLLOW : 0);
    const handle = await open(path, flags, 0o640);
    const file = await handle.stat();
    if (isForeign) {
      if (!file.isFile() || file.nlink !== 1) {
        await handle.close();
        throw new Error('it is a link, or not a file');
      }
      const { uid, gid } = await stat(dirname(path));
      if (process.getuid?.() === 0 && file.size === 0 && file.uid !== uid) await handle.chown(uid, gid);
    }
    if (file.isFile() && file.size > 0) this.#isTorn = (await lastByte(path, file.size)) !== LINE_FEED;
    return handle;
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

  /** At the end of the process: writes at once what no write under way contains. */
  private writeLast(): void {
    if (this.#handle === null || this.#writing === null) return;
    try {
      writeSync(this.#handle.fd, this.take().join(''));
    } catch {
      // Nobody is left to report it to.
    }
  }
}

const LINE_FEED = 10;

/** A file that may be written but not read counts as ending in a whole line. */
async function lastByte(path: string, size: number): Promise<number | undefined> {
  let file: FileHandle | null = null;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0];
  } catch {
    return LINE_FEED;
  } finally {
    await file?.close();
  }
}
