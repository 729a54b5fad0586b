import { lstatSync, realpathSync, statSync, type Stats } from 'node:fs';
import { readConfiguredFile } from '../common/configured-file';
import { Failure, failureKindOf, type StoredCertificate } from '../model';
import type { ReadTexts } from './file-certificates';
import { removeDrafts, replaceFile } from '../common/replace-file';

/** Large enough for 10,000 certificates. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Result of keeping the declarative file up to date. */
export interface WriteBackReport {
  /** Null: its path is unknown. */
  file: string | null;
  /** Ids of the certificates that were updated in it. */
  written: readonly string[];
  /** Certificates in it that stay outdated, with the reason in a sentence. */
  left: readonly { certificate: string; why: string }[];
  /** Why the file could not be written, in a sentence; null: no trouble. */
  trouble: string | null;
  /** What was done about a file that every user could read, in a sentence. */
  closed?: string;
  /** Another writer wrote to it meanwhile: try again at once. */
  isOpen: boolean;
  /** The machine or Kong prevented the write: try again later. */
  isTransient: boolean;
}

/**
 * The file that a Kong without a database reads at start, with its certificates kept up to date. Everything else in
 * the file stays to the letter.
 */
export class DeclarativeFile {
  #seen: Stats | null = null;
  #isOpen = true;

  constructor(
    private readonly textsOf: ReadTexts,
    /** Null: Kong was started without one. */
    private readonly path: string | null,
    /** Users that Kong runs as; they have to read the file at its next start. */
    private readonly kongUsers: () => ReadonlySet<number> = () => new Set([process.getuid?.() ?? 0]),
    private readonly replace = replaceFile,
  ) {}

  /** Whether the file was changed since it was last read, or the last try left something to do. */
  get isDue(): boolean {
    if (this.#isOpen || this.path === null) return this.#isOpen;
    try {
      return !isSame(this.#seen, statSync(this.path));
    } catch {
      return true;
    }
  }

  /**
   * @param certificates Kong's certificates that come from a source
   * @returns what was done; never throws
   */
  async run(certificates: readonly StoredCertificate[]): Promise<WriteBackReport> {
    this.#isOpen = false;
    const report = {
      file: this.path,
      written: [],
      left: [],
      trouble: null,
      isOpen: false,
      isTransient: false,
    };
    if (this.path === null) {
      const trouble =
        'write_back has no file to write to: Kong was started without declarative_config; set write_back_file';
      return { ...report, trouble };
    }
    try {
      return { ...report, ...(await this.edit(this.path, certificates)) };
    } catch (error) {
      return {
        ...report,
        trouble: `${this.path} is not written: ${problem(error as NodeJS.ErrnoException, this.path)}`,
        // A mistake in the file itself is found again when the file changes.
        isTransient: failureKindOf(error) !== 'mistake',
      };
    }
  }

  private async edit(
    path: string,
    certificates: readonly StoredCertificate[],
  ): Promise<Pick<WriteBackReport, 'written' | 'left' | 'isOpen' | 'closed'>> {
    // The target of a link is replaced, not the link.
    const real = realpathSync(path);
    removeDrafts(real);
    const before = statSync(real);
    this.#seen = before;
    if (!before.isFile()) throw new Error('it is not a file');
    if (before.size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES / 1_048_576} MiB`);
    const text = readConfiguredFile(real, MAX_BYTES);
    const { editInThread } = await import('./edit-worker.js');
    const edited = await editInThread(text, certificates, this.textsOf);
    const left = [...edited.left].map(([certificate, why]) => ({ certificate, why }));
    if (edited.text === null) return { written: [], left, isOpen: false };
    const isReadByAll = (before.mode & OTHERS) !== 0;
    if (isReadByAll && !this.kongUsers().has(before.uid)) {
      throw new Error(
        `everybody can read it (mode ${modeOf(before)}), and it would hold private keys; close it (chmod o-rwx) and let Kong's user read it by its group`,
      );
    }
    const isStill = () => isSame(before, lstatSync(real)) && realpathSync(path) === real;
    if (!this.replace(real, edited.text, closedToOthers(before), isStill)) {
      // Another writer wrote to it meanwhile; that content is edited the next time.
      this.#isOpen = true;
      return { written: [], left, isOpen: true };
    }
    this.#seen = statSync(real);
    const closed = `${path} could be read by everybody (mode ${modeOf(before)}); it holds private keys and has mode ${modeOf(this.#seen)} now`;
    return { written: edited.written, left, isOpen: false, ...(isReadByAll ? { closed } : {}) };
  }
}

/** Mode bits for users who are neither the owner nor in the group. */
const OTHERS = 0o007;

const modeOf = ({ mode }: Stats) => (mode & 0o7777).toString(8).padStart(4, '0');

const closedToOthers = ({ uid, gid, mode }: Stats) => ({ uid, gid, mode: mode & ~OTHERS });

const isSame = (a: Stats | null, b: Stats) =>
  a !== null && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.size === b.size && a.ino === b.ino;

/** The system's error, with what helps. */
function problem(error: NodeJS.ErrnoException, path: string): string {
  const { code, message } = error;
  const advice: Record<string, string> = {
    ENOENT: 'it does not exist',
    EROFS:
      'it is mounted read-only (a ConfigMap always is); mount a volume that can be written, or set write_back to false',
    EACCES: 'permission denied; the user that Kong runs as must be able to write to its folder',
    EPERM: 'its owner cannot be kept; the user that Kong runs as must own it',
    EBUSY: 'it is a mount of its own; mount its folder instead, so that it can be replaced',
    ENOSPC: 'the disk is full',
    EDQUOT: "the user's disk quota is used up",
    EFBIG: 'it would be larger than this process may write',
    EIO: 'the disk reports an error',
    EMFILE: 'this process has no file descriptor left',
    ENFILE: 'the machine has no file descriptor left',
  };
  const isOfSystem = code !== undefined && !(error instanceof Failure);
  return ((isOfSystem ? advice[code] : undefined) ?? message).replaceAll(path, 'it');
}
