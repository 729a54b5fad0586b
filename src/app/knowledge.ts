import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { PLUGIN_NAME } from '../common/product';
import { stateFolder } from '../gateway';
import { Holds, holdsPath } from '../holds';
import { NO_KNOWLEDGE, type PluginEntry } from '../model';
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
import { Keeper, removeSoon } from './keeper';
import type { Reloader } from './reloader';

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

/** Carries the facts of each entry from one process to the next. One process at a time works for a prefix. */
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

  /** The kept facts of entries that do not run yet. */
  views(): ReloaderView[] {
    return [...this.#waiting.values()].flatMap(({ head, show }) => (head === null ? [] : show.view(false)));
  }

  /** The status addresses of entries that do not run yet. */
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

  /** The kept facts of an entry that is about to run; null: none, or they are of another Kong. */
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
    // The file is no longer written: the next process must not take it for the latest.
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

  /** Path of the record of the alerts that an entry's webhook got. */
  toldFile(entry: string): string {
    return join(stateFolder(this.prefix), TOLD + digestOf(entry));
  }

  private pathOf(entry: string, { history }: Config, isOwn: boolean): string {
    // If Kong has the entries, the folder has to be known before Kong answers.
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
      live: () => NO_KNOWLEDGE,
      memory,
      warningDays: config?.expiry_warning_days ?? head?.warning_days ?? [],
      statusUrl: config === null ? head?.status_url : config.status.url,
      pins: () => this.#holds.pins(Date.now()),
    });
    this.#waiting.set(entry, { memory, head, config, path, show });
  }
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
