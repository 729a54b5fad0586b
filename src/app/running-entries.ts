import { completeConfig, type Config } from './config';
import type { PassCause, PluginEntry } from '../model';
import { FormerPairs } from '../pass';
import type { LogRoot } from '../report';
import { EntryMemory, type ReloaderView } from '../status';
import type { AlertDesk, AlertedEntry } from './alert-desk';
import { connect, type Connection, type KongLocation } from './connection';
import type { Histories } from './histories';
import type { KnowledgeStore } from './knowledge';
import type { LogDeduplicator } from './log-deduplicator';
import { createReloader, type Reloader } from './reloader';

interface RunningEntriesOptions {
  location: KongLocation;
  logger: LogRoot;
  troubleLog: LogDeduplicator;
  alerts: AlertDesk;
  histories: Histories;
  knowledge: KnowledgeStore;
  /** The entries come from a file: all are for one Kong. */
  areOwn: boolean;
}

/** A reloader with the entry that it runs for. */
interface Running {
  reloader: Reloader;
  connection: Connection;
  /** `connection` belongs to this entry alone and is closed with it. */
  isOwn: boolean;
  /** The entry's configuration as Kong has it, as JSON. */
  rawConfig: string;
  config: Config;
  memory: EntryMemory;
  former: FormerPairs;
  /** Milliseconds since the epoch. */
  startedAt: number;
}

/** The entries of the plugin that run, each with its reloader. */
export class RunningEntries {
  readonly running = new Map<string, Running>();
  /** The running reloaders, and those that ran when Kong went away, which keep their last state. */
  readonly known = new Map<string, Running>();
  /** Why an entry could not be run at the last look; each look tries again. */
  trouble: string | null = null;

  constructor(private readonly options: RunningEntriesOptions) {}

  /** Starts, restarts and stops reloaders, so that one runs for each of these entries that can be run. */
  async adapt(entries: readonly PluginEntry[], kong: Connection): Promise<void> {
    this.trouble = null;
    const active = new Set<string>();
    for (const entry of entries) {
      if (!entry.enabled) continue;
      if (entry.scope !== null) {
        this.options.troubleLog.say(
          'warn',
          'a plugin entry is not run',
          `entry ${entry.id} is limited to a ${entry.scope}; certificates belong to the whole gateway: enable the plugin globally`,
        );
        continue;
      }
      active.add(entry.id);
      try {
        await this.adaptOne(entry, kong);
      } catch (error) {
        const goesOn = this.running.has(entry.id) ? '; it keeps its previous configuration' : '';
        this.trouble = `entry ${entry.id}: ${(error as Error).message}${goesOn}`;
        this.options.troubleLog.say(
          'error',
          ENTRY_NOT_RUN,
          this.trouble,
          'every plugin entry can be run again',
        );
      }
    }
    this.options.knowledge.retain(active);
    for (const id of [...this.known.keys()]) {
      if (active.has(id)) continue;
      const wasRunning = this.running.has(id);
      await this.end(id, true);
      this.known.delete(id);
      this.options.alerts.forget(id);
      await this.options.histories.forget(id);
      if (!wasRunning) this.options.logger.log('info', 'reloader stopped', { entry: id });
    }
  }

  private async adaptOne(entry: PluginEntry, kong: Connection): Promise<void> {
    const running = this.running.get(entry.id);
    const rawConfig = JSON.stringify(entry.config);
    if (running?.rawConfig === rawConfig) return;
    const config = completeConfig(entry.config);
    if (running !== undefined) {
      const isTriggerOnly = withoutTrigger(running.config) === withoutTrigger(config);
      if (isTriggerOnly) running.rawConfig = rawConfig;
      if (JSON.stringify(running.config) === JSON.stringify(config)) return;
      if (isTriggerOnly) {
        running.config = config;
        running.reloader.request('trigger');
        return;
      }
    }
    // The new reloader's Admin API must answer, and its sources exist, before the old one ends.
    const isOwn = !this.options.areOwn && Object.keys(config.admin).length > 0;
    // The Admin API of the argument holds the entries; this entry names another.
    const connection = isOwn
      ? await connect({ ...this.options.location, adminUrl: undefined }, config.admin)
      : kong;
    const { knowledge } = this.options;
    const known = this.known.get(entry.id);
    const isSameKong = JSON.stringify(known?.config.admin) === JSON.stringify(config.admin);
    const { memory, former } =
      known !== undefined && isSameKong
        ? known
        : {
            memory: knowledge.memoryOf(entry.id, connection.gateway.url) ?? new EntryMemory(),
            former: new FormerPairs(),
          };
    let reloader: Reloader;
    try {
      const history = await this.options.histories.of(entry.id, config, connection);
      reloader = createReloader(config, connection, this.options.logger, entry.id, {
        memory,
        former,
        history,
        changed: () => knowledge.note(entry.id),
      });
    } catch (error) {
      if (isOwn) connection.client.close();
      throw error;
    }
    await this.end(entry.id);
    knowledge.keep(entry.id, config, connection, reloader, this.options.areOwn);
    const startedAt = Date.now();
    reloader.start();
    const started = { reloader, connection, isOwn, rawConfig, config, memory, former, startedAt };
    this.running.set(entry.id, started);
    this.known.set(entry.id, started);
    this.options.logger.log('info', running === undefined ? 'reloader started' : 'reloader reconfigured', {
      entry: entry.id,
      interval_seconds: config.interval,
      mode: config.mode,
      sources: config.sources.length,
    });
  }

  get statusListens(): string[] {
    const known = [...this.known.values()].flatMap(({ config }) => config.status.listen ?? []);
    return [...known, ...this.options.knowledge.listens()];
  }

  /** Entries whose alerts go on while Kong is away. */
  get alerted(): Map<string, AlertedEntry> {
    return new Map([...this.options.knowledge.alerted(), ...this.known]);
  }

  /** @param isAnswering whether Kong has answered last */
  views(isAnswering: boolean): ReloaderView[] {
    const known = [...this.known].map(([id, { reloader }]) =>
      reloader.view(isAnswering && this.running.has(id)),
    );
    return [...known, ...this.options.knowledge.views()];
  }

  /** Asks every reloader for a pass now. */
  request(cause: PassCause): void {
    for (const { reloader } of this.running.values()) reloader.request(cause);
  }

  /** @param isGone the entry was removed */
  private async end(id: string, isGone = false): Promise<void> {
    const running = this.running.get(id);
    this.running.delete(id);
    await running?.reloader.stop(isGone);
    if (running?.isOwn === true) running.connection.client.close();
  }

  /** Ends all reloaders; passes under way are finished. */
  async endAll(): Promise<void> {
    await Promise.all([...this.running.keys()].map((id) => this.end(id)));
    this.trouble = null;
  }
}

const ENTRY_NOT_RUN = 'a plugin entry cannot be run';

const withoutTrigger = (config: Config) => JSON.stringify({ ...config, trigger: undefined });
