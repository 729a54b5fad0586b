import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PLUGIN_NAME } from '../common/product';
import { stateFolder } from '../gateway';
import { Holds, holdsPath } from '../holds';
import type { LiveView, PluginEntry } from '../model';
import type { Logger } from '../report';
import {
  EntryMemory,
  KnowledgeFile,
  ReloaderPresenter,
  type KnowledgeHead,
  type ReloaderView,
} from '../status';
import type { AlertedEntry } from './alert-desk';
import { completeConfig, type Config } from './config';
import type { Connection } from './connection';
import { historyPlace } from './histories';
import type { Reloader } from './reloader';

/** A change is written this long after it, and so long after the last write. */
const SOON_MS = 1_000;
const PAUSE_MS = 30_000;
/** Most files of entries that are looked at. */
const MAX_FILES = 16;

const FILE = `${PLUGIN_NAME}.known-`;
const TOLD = `${PLUGIN_NAME}.told-`;

/** Names of an entry's files: an entry may be called anything. */
const digestOf = (entry: string) => createHash('sha256').update(entry).digest('hex').slice(0, 12);

/** An entry that does not run yet, and what an earlier process knew of it. */
interface Waiting {
  memory: EntryMemory;
  /** Null: nothing is known. */
  head: KnowledgeHead | null;
  /** Null: Kong has it. */
  config: Config | null;
  path: string;
  show: ReloaderPresenter;
}

/** What is known of each entry, from one process to the next. One process at a time works for a prefix. */
export class KnowledgeStore {
  readonly #waiting = new Map<string, Waiting>();
  readonly #keepers = new Map<string, Keeper>();
  readonly #holds: Holds;

  constructor(
    private readonly prefix: string,
    private readonly logger: Logger,
  ) {
    this.#holds = new Holds({ freeze: [], needsApproval: false, path: holdsPath(stateFolder(prefix)) });
  }

  /**
   * Reads what an earlier process knew; to be called once, before anything runs.
   * @param own entries of a configuration file; undefined: Kong has the entries
   */
  async load(own: readonly PluginEntry[] | undefined): Promise<void> {
    if (own === undefined) {
      for (const path of filesIn(stateFolder(this.prefix))) await this.loadFile(path, null, null);
      return;
    }
    for (const { id, config } of own) {
      const complete = completed(config);
      if (complete !== null) await this.loadFile(this.pathOf(id, complete, true), id, complete);
    }
  }

  /** What is known of entries that do not run yet. */
  views(): ReloaderView[] {
    return [...this.#waiting.values()].flatMap(({ head, show }) => (head === null ? [] : show.view(false)));
  }

  /** Where entries that do not run yet want to be shown. */
  listens(): string[] {
    return [...this.#waiting.values()].flatMap(
      ({ config, head }) => (config === null ? head?.status_listen : config.status.listen) ?? [],
    );
  }

  /** Entries of a configuration file that do not run yet: their alerts need no Kong. */
  *alerted(): Iterable<[string, AlertedEntry]> {
    for (const [entry, { config, show }] of this.#waiting)
      if (config !== null)
        yield [entry, { config, reloader: { view: () => show.view(false), isAsking: false }, startedAt: 0 }];
  }

  /** What was known of an entry that is about to run; null: nothing, or of another Kong. */
  memoryOf(entry: string, kong: string): EntryMemory | null {
    const waiting = this.#waiting.get(entry);
    return waiting?.head?.kong === kong ? waiting.memory : null;
  }

  /** The entry runs: begins to keep what its reloader knows. */
  keep(entry: string, config: Config, kong: Connection, reloader: Reloader, isOwn: boolean): void {
    const waiting = this.#waiting.get(entry);
    this.#waiting.delete(entry);
    const known = this.#keepers.get(entry);
    const path = historyPlace(config, kong) === null ? null : this.pathOf(entry, config, isOwn);
    const place = { kong: kong.gateway.url, status_listen: config.status.listen ?? null };
    const knowledge = () => reloader.knowledge(place);
    if (known !== undefined && known.path === path) {
      known.knowledge = knowledge;
      return;
    }
    known?.remove();
    this.#keepers.delete(entry);
    if (path !== null) this.#keepers.set(entry, new Keeper(path, knowledge, this.logger));
    // Nobody writes it from now on: the next process must not take it for the latest.
    else if (waiting !== undefined) removeSoon(waiting.path);
  }

  /** Something may have changed. */
  note(entry: string): void {
    this.#keepers.get(entry)?.note();
  }

  /** Writes what has changed. */
  async finish(): Promise<void> {
    await Promise.all([...this.#keepers.values()].map((keeper) => keeper.finish()));
  }

  /** Forgets entries that Kong has no more. */
  retain(active: ReadonlySet<string>): void {
    for (const [entry, { head, path }] of this.#waiting) {
      if (active.has(entry)) continue;
      this.#waiting.delete(entry);
      if (head === null) continue;
      removeSoon(path);
      removeSoon(this.toldFile(entry));
    }
    for (const [entry, keeper] of this.#keepers) {
      if (active.has(entry)) continue;
      this.#keepers.delete(entry);
      keeper.remove();
    }
  }

  /** Where it is kept what an entry's webhook was told. */
  toldFile(entry: string): string {
    return join(stateFolder(this.prefix), TOLD + digestOf(entry));
  }

  private pathOf(entry: string, { history }: Config, isOwn: boolean): string {
    // Where Kong has the entries, the folder has to be known before Kong answers.
    const folder = isOwn && history.file != null ? dirname(history.file) : stateFolder(this.prefix);
    return join(folder, FILE + digestOf(entry));
  }

  private async loadFile(path: string, id: string | null, config: Config | null): Promise<void> {
    const memory = new EntryMemory();
    let head: KnowledgeHead | null = null;
    try {
      const kept = config?.history.max_mb === 0 ? null : await new KnowledgeFile(path).load(Date.now());
      if (kept !== null && path.endsWith(FILE + digestOf(kept.head.entry))) {
        memory.remember(kept);
        head = kept.head;
      }
    } catch (error) {
      const { message } = error as Error;
      this.logger.log('warn', 'what an earlier process kept cannot be used', { file: path, error: message });
    }
    const entry = id ?? head?.entry;
    if (entry === undefined) return;
    const show = new ReloaderPresenter({
      entry,
      mode: config?.mode ?? head?.mode ?? 'apply',
      intervalSeconds: config?.interval ?? head?.interval_seconds ?? 0,
      live: () => NOTHING,
      memory,
      warningDays: config?.expiry_warning_days ?? head?.warning_days ?? [],
      statusUrl: config === null ? head?.status_url : config.status.url,
      pins: () => this.#holds.pins(Date.now()),
    });
    this.#waiting.set(entry, { memory, head, config, path, show });
  }
}

/** Writes what one reloader knows: soon after a change, and not too often. */
class Keeper {
  readonly #file: KnowledgeFile;
  /** What was written last, and whose it was: each reloader counts its changes anew. */
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

/** Nothing waits for it, and nothing fails without it. */
function removeSoon(path: string): void {
  rm(path, { force: true }).catch(() => undefined);
}

function filesIn(folder: string): string[] {
  const name = new RegExp(`^${FILE.replaceAll('.', '\\.')}[\\da-f]{12}$`);
  try {
    const names = readdirSync(folder).filter((one) => name.test(one));
    return names.slice(0, MAX_FILES).map((one) => join(folder, one));
  } catch {
    return [];
  }
}

function completed(config: unknown): Config | null {
  try {
    return completeConfig(config);
  } catch {
    return null;
  }
}

const NOTHING: LiveView = {
  plan: null,
  certificates: new Map(),
  sources: [],
  bundle: () => null,
  sourceOf: () => '',
  refusal: () => undefined,
  pastRefusal: () => undefined,
  failure: () => undefined,
  note: () => undefined,
  hold: () => undefined,
  holders: new Map(),
};
