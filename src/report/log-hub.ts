import { LineFile } from '../common/line-file';
import type { Fields, Level } from '../model';
import { JsonLogger, type Logger } from './logger';

interface LogSettings {
  /** Path of a file that gets every line as well; null: none. */
  file?: string | null | undefined;
  level: Level;
}

/** The log of one entry. */
interface OpenLog extends Logger {
  /** Closes its part of the file. */
  close(): void;
}

/** A logger that provides logs for entries. */
export interface LogRoot extends Logger {
  open(settings: LogSettings): OpenLog;
}

interface Shared {
  file: LineFile;
  users: number;
}

/**
 * The log of the process. Lines of an entry go to stderr and to the entry's file; lines that concern all entries
 * (Kong is away, an entry is started) go to every open file. Entries that name the same file share it.
 */
export class LogHub implements LogRoot {
  readonly #files = new Map<string, Shared>();
  readonly #stderr: JsonLogger;
  readonly #everywhere: JsonLogger;

  constructor(private readonly toStderr: (line: string, level: Level) => void) {
    this.#stderr = new JsonLogger(toStderr);
    this.#everywhere = new JsonLogger((line, level) => {
      toStderr(line, level);
      for (const { file } of this.#files.values()) file.write(line);
    });
  }

  log(level: Level, message: string, fields?: Fields): void {
    this.#everywhere.log(level, message, fields);
  }

  open({ file: path, level }: LogSettings): OpenLog {
    const shared = path == null ? null : this.use(path);
    const logger = new JsonLogger((line, its) => {
      this.toStderr(line, its);
      shared?.file.write(line);
    }, level);
    let isOpen = true;
    return {
      log: (...line) => logger.log(...line),
      close: () => {
        if (isOpen && path != null) this.leave(path);
        isOpen = false;
      },
    };
  }

  /** Resolves when every line was written. */
  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map(({ file }) => file.close()));
  }

  private use(path: string): Shared {
    const known = this.#files.get(path);
    if (known !== undefined) {
      known.users += 1;
      return known;
    }
    // Troubles of the file are logged to stderr alone: the file has no room for them.
    const file = new LineFile({
      path,
      onTrouble: ({ message: error }) =>
        this.#stderr.log('error', 'the log file cannot be written; lines go to stderr only', {
          file: path,
          error,
        }),
      onRelief: (lines) => this.log('warn', 'the log file is written again', { file: path, lines }),
    });
    const shared = { file, users: 1 };
    this.#files.set(path, shared);
    return shared;
  }

  private leave(path: string): void {
    const shared = this.#files.get(path);
    if (shared === undefined) return;
    shared.users -= 1;
    if (shared.users > 0) return;
    this.#files.delete(path);
    void shared.file.close();
  }
}

/**
 * Logs to stderr: stdout belongs to the query command.
 * @param toKong gets warnings and errors as well
 */
export function stderrLogger(toKong?: ((level: 'warn' | 'error', line: string) => void) | null): LogHub {
  return new LogHub((line, level) => {
    process.stderr.write(line);
    if (level === 'warn' || level === 'error') toKong?.(level, line);
  });
}
