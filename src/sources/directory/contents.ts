import { factsOf, NOTHING, type FileFacts } from '../../certificates';
import { printable } from '../../common/printable';
import { Slices } from '../../common/slices';
import { isRacy, sameStamp, type Stamp } from '../../common/stamp';
import { MAX_BUNDLE_BYTES, refusal, type Refusal } from '../../model';
import type { FileAccess } from '../files/access';
import { unreadable } from '../files/trouble';
import type { Passwords } from '../password';
import type { KnownFile } from './known-files';
import type { ParsedName } from './names';

/** Most files of one source whose content is read, where names do not tell their role. */
const MAX_FILES = 100_000;

/** Larger than any bundle; a file with a meaningless name may be anything. */
const MAX_PLAIN_BYTES = 64 * 1024;

/** Files with unknown endings: whoever has more of them did not misname a certificate. */
const MAX_MISNAMED = 1_000;

interface Entry extends KnownFile {
  /** Null: to be read again. */
  stamp: Stamp | null;
  isRead: boolean;
}

/** Contents of files whose names do not tell their role; each version of a file is read once. */
export class FileContents {
  readonly #entries = new Map<string, Entry>();
  readonly #byFolder = new Map<string, Set<string>>();
  readonly #unread = new Set<string>();
  #misnamed = 0;
  #hasChanged = false;
  /** Whether there are more files than are read. */
  isFull = false;

  /** Password with which the files were opened last. */
  #password: string | undefined;

  constructor(
    private readonly passwords: Pick<Passwords, 'passwordOf'> | null,
    private readonly maxFiles = MAX_FILES,
  ) {}

  tooMany(root: string): Refusal {
    return refusal(
      'too_large',
      `${printable(root)} has more than ${this.maxFiles.toLocaleString('en')} files whose names do not say what they ` +
        'are; the rest is not read. Give the folder of the certificates itself',
    );
  }

  /** Sets the files of a folder that are to be read from now on. */
  set(
    folder: string,
    names: readonly ParsedName[],
    told: readonly ParsedName[],
    misnamed: readonly ParsedName[],
  ): void {
    const before = this.#byFolder.get(folder) ?? new Set();
    const now = new Set<string>();
    for (const [list, isTold, isMisnamed] of [
      [names, false, false],
      [told, true, false],
      [misnamed, false, true],
    ] as const) {
      for (const name of list) {
        const path = `${folder}/${name.name}`;
        now.add(path);
        const known = this.#entries.get(path);
        if (known !== undefined) known.isTold = isTold;
        else if (isMisnamed && this.#misnamed >= MAX_MISNAMED) break;
        else if (this.#entries.size >= this.maxFiles) this.isFull = true;
        else {
          if (isMisnamed) this.#misnamed += 1;
          const state = { facts: NOTHING, stamp: null, isRead: false };
          this.#entries.set(path, { path, folder, name, isTold, isMisnamed, ...state });
          this.#unread.add(path);
        }
      }
    }
    for (const path of before) if (!now.has(path)) this.delete(path);
    if (now.size > 0) this.#byFolder.set(folder, now);
    else this.#byFolder.delete(folder);
  }

  private delete(path: string): void {
    if (this.#entries.get(path)?.isMisnamed === true) this.#misnamed -= 1;
    if (this.#entries.delete(path)) this.#hasChanged = true;
    this.#unread.delete(path);
    this.isFull = false;
  }

  has(path: string): boolean {
    return this.#entries.has(path);
  }

  paths(): Iterable<string> {
    return this.#entries.keys();
  }

  files(): Iterable<KnownFile> {
    return this.#entries.values();
  }

  /**
   * Reads files that changed.
   * @param folders folders to check; null: all. New files are read in any case
   * @returns whether anything changed since the last call
   */
  async refresh(
    access: FileAccess,
    stampOf: (path: string) => Stamp | null,
    folders: Iterable<string> | null,
  ): Promise<boolean> {
    const slices = new Slices();
    if (await this.hasNewPassword()) {
      for (const [path, { facts }] of this.#entries)
        if (facts.problem?.reason === 'encrypted_key') this.#unread.add(path);
    }
    for (const entry of this.entriesIn(folders)) {
      const isKnown = entry.stamp !== null && !this.#unread.has(entry.path);
      const isSame = isKnown && sameStamp(stampOf(entry.path), entry.stamp);
      if (!isSame) await this.read(access, entry, stampOf);
      if (slices.due) await slices.pause();
    }
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  private async hasNewPassword(): Promise<boolean> {
    const password = await this.passwords?.passwordOf({ name: '', location: '', cert: '', key: '' });
    const isNew = password !== this.#password;
    this.#password = password;
    return isNew;
  }

  private *entriesIn(folders: Iterable<string> | null): Iterable<Entry> {
    if (folders === null) {
      yield* this.#entries.values();
      return;
    }
    const paths = new Set(this.#unread);
    for (const folder of folders) for (const path of this.#byFolder.get(folder) ?? []) paths.add(path);
    for (const path of paths) {
      const entry = this.#entries.get(path);
      if (entry !== undefined) yield entry;
    }
  }

  private async read(
    access: FileAccess,
    entry: Entry,
    stampOf: (path: string) => Stamp | null,
  ): Promise<void> {
    const now = Date.now();
    const before = entry.facts;
    entry.stamp = null;
    const facts = await this.factsOf(access, entry, now);
    entry.facts = entry.name.isPlain && isNotMeant(facts) ? NOTHING : facts;
    if (facts.problem?.reason === 'too_large') {
      const stamp = stampOf(entry.path);
      if (stamp !== null && !isRacy(stamp, now)) entry.stamp = stamp;
    }
    if (!entry.isRead || !isSameFacts(before, entry.facts)) this.#hasChanged = true;
    entry.isRead = true;
    this.#unread.delete(entry.path);
  }

  private async factsOf(access: FileAccess, entry: Entry, now: number): Promise<FileFacts> {
    const location = printable(entry.path);
    try {
      const found = access.read(entry.path, entry.name.isPlain ? MAX_PLAIN_BYTES : MAX_BUNDLE_BYTES);
      const file = found instanceof Promise ? await found : found;
      if (file === null) {
        const why = refusal('too_large', `${location} is larger than 1 MiB`);
        return { ...NOTHING, kind: 'damaged', problem: why };
      }
      if (file.isStable && !isRacy(file.stamp, now)) entry.stamp = file.stamp;
      // Many a text has a certificate somewhere in it.
      if (entry.isMisnamed === true && !file.text.trimStart().startsWith('-----BEGIN ')) return NOTHING;
      const facts = factsOf(file.text, location, this.#password);
      return facts instanceof Promise ? await facts : facts;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EHANGING') throw error;
      const isFile = !['ENOTFILE', 'EISDIR', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '');
      return isFile ? { ...NOTHING, kind: 'damaged', problem: unreadable(error, entry.path) } : NOTHING;
    }
  }
}

/** Whether a file is not meant as a bundle: any name, too large, or another format. */
const isNotMeant = ({ problem }: FileFacts) =>
  problem?.reason === 'too_large' || problem?.reason === 'unsupported_format';

function isSameFacts(a: FileFacts, b: FileFacts): boolean {
  return (
    a.kind === b.kind &&
    a.leaf?.digest === b.leaf?.digest &&
    a.leaf?.count === b.leaf?.count &&
    a.publicKeys.join() === b.publicKeys.join() &&
    a.problem?.message === b.problem?.message
  );
}
