import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from './config';
import type { PassCause, PluginEntry } from '../model';
import type { LogRoot } from '../report';
import { AlertDesk } from './alert-desk';
import { connectWhenReady, type Connection, type KongLocation } from './connection';
import { Histories } from './histories';
import { KnowledgeStore } from './knowledge';
import { carryOut } from './operator';
import { LogDeduplicator } from './log-deduplicator';
import { RunningEntries } from './running-entries';
import { StatusHost } from './status-host';

interface SupervisorOptions {
  location: KongLocation;
  logger: LogRoot;
  /** Milliseconds between reads of the plugin's entries; a change takes effect within 5 s. */
  pollMs?: number;
  /**
   * After so many milliseconds without an answer Kong counts as away; one that applies a large configuration takes
   * 17 s.
   */
  silentMs?: number;
  /** Called at each read of the entries. */
  onPoll?: () => void;
  /**
   * Reads the configuration file again; default: there is none.
   * @returns why it is not in use, the former one going on; null: it is
   */
  reread?: () => string | null;
  /** Entries from elsewhere; default: the plugin's entries in Kong. */
  own?: OwnEntries;
}

/** Entries from a file: any number, all for one Kong. */
export interface OwnEntries {
  admin: Config['admin'];
  /** The present entries; called at each look. */
  read: () => readonly PluginEntry[];
  /** Why the present file is not in use; null: it is. */
  problem: () => string | null;
}

/**
 * Keeps one reloader running for each global, enabled entry of the plugin, and starts, restarts and stops them as
 * the entries in Kong change. The entries are polled: Kong tells its plugin servers nothing of changes (it makes an
 * instance at the first request that the plugin takes part in, and never closes one).
 */
export class Supervisor {
  readonly #entries: RunningEntries;
  readonly #abort = new AbortController();
  readonly #troubleLog: LogDeduplicator;
  /** Revision of Kong's configuration at the last look. */
  #revision: string | null = null;
  /** Number of configurations that this process has posted: so far, and by the look that `#revision` belongs to. */
  #posted = 0;
  #postedThen = 0;
  #ended: Promise<void> = Promise.resolve();
  readonly #host: StatusHost;
  readonly #alerts: AlertDesk;
  readonly #histories: Histories;
  readonly #knowledge: KnowledgeStore;
  #wake = new AbortController();
  /** Callers that wait for the next look. */
  readonly #lookers: (() => void)[] = [];
  readonly #location: KongLocation;
  /** The Kong that answered last time. */
  #kong: Connection | null = null;
  #waiting: string | null = 'Kong has not answered yet';

  constructor(private readonly options: SupervisorOptions) {
    this.#histories = new Histories(options.logger);
    this.#knowledge = new KnowledgeStore(options.location.prefix, options.logger);
    this.#host = new StatusHost({
      prefix: options.location.prefix,
      logger: options.logger,
      kong: () => this.#kong,
      waiting: () => this.#waiting,
      reloaders: () => [...this.#entries.running].map(([id, { reloader }]) => [id, reloader] as const),
      views: () => this.#entries.views(this.#kong !== null),
      history: (query) => this.#histories.read(query),
      configurationError: () => this.configurationError(),
      reload: () => this.reload(),
      command: (command) => carryOut(command, this.#entries.running, (entry) => this.#histories.get(entry)),
    });
    this.#alerts = new AlertDesk(options.logger, undefined, (entry) => this.#knowledge.toldFile(entry));
    this.#troubleLog = new LogDeduplicator((level, message, detail) => this.log(level, message, detail));
    const onExchange = (method: string, code: number) => {
      this.#host.onExchange(method, code);
      if (method === 'POST' && code === 201) this.#posted += 1;
    };
    const onLost = (detail: string) =>
      this.log('warn', "somebody else's update of Kong was overwritten", detail);
    this.#location = { ...options.location, onExchange, onLost };
    this.#entries = new RunningEntries({
      location: this.#location,
      logger: options.logger,
      troubleLog: this.#troubleLog,
      alerts: this.#alerts,
      histories: this.#histories,
      knowledge: this.#knowledge,
      areOwn: options.own !== undefined,
    });
  }

  /** The addresses of the status besides the unix socket. */
  get statusAddresses(): string[] {
    return this.#host.addresses;
  }

  start(): void {
    this.#ended = this.run().catch((error: unknown) => {
      if (!this.#abort.signal.aborted) this.log('error', 'the supervisor ended', (error as Error).message);
    });
  }

  /** Stops every reloader; passes under way are finished. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#ended;
    await this.#entries.endAll();
    await this.#knowledge.finish();
    await this.#alerts.close();
    await this.#histories.close();
    await this.#host.close();
  }

  /** Asks every reloader for a pass now. */
  request(cause: PassCause): void {
    this.#entries.request(cause);
  }

  /**
   * Reads the configuration again, and scans every source.
   * @returns why it is not in use, the former one going on; null: it is
   */
  async reload(): Promise<string | null> {
    const wrong = this.options.reread?.() ?? null;
    if (wrong === null) {
      const looked = new Promise<void>((resolve) => this.#lookers.push(resolve));
      this.#wake.abort();
      await Promise.race([looked, sleep(RELOAD_MS, undefined, { ref: false })]);
      this.request('trigger');
    }
    return wrong ?? this.configurationError() ?? (this.#kong === null ? this.#waiting : null);
  }

  /** Why a newer configuration is not in use; null: the newest one is. */
  private configurationError(): string | null {
    return this.options.own?.problem() ?? this.#entries.trouble;
  }

  /** Waits until the next look; a reload cuts it short. */
  private async rest(ms: number): Promise<void> {
    this.#wake = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, this.#wake.signal]);
    await sleep(ms, undefined, { signal }).catch((error: unknown) => {
      if (this.#abort.signal.aborted) throw error;
    });
  }

  private async run(): Promise<void> {
    const { pollMs = 2_500, onPoll, own } = this.options;
    const { signal } = this.#abort;
    // A function: the compiler would take the flag as unchanged across an await.
    const isStopped = () => signal.aborted;
    const waiting = (error: Error) => {
      this.#waiting = error.message;
      this.#troubleLog.say('warn', 'waiting for Kong', error.message);
      void this.#alerts.away(error.message, this.#entries.alerted);
      void this.#host.listen(this.#entries.statusListens);
    };
    await this.#knowledge.load(own?.read());
    await this.#host.listen(this.#entries.statusListens);
    while (!isStopped()) {
      const kong = await connectWhenReady(this.#location, own?.admin ?? {}, waiting, signal);
      this.options.logger.log('info', 'connected to Kong', {
        admin_url: kong.client.url,
        found_by: kong.foundBy,
        kong_mode: kong.gateway.kind,
      });
      // Ends when Kong has been away for longer than requests are repeated; then it is searched for again.
      for (let misses = 0; misses < 3 && !isStopped();) {
        onPoll?.();
        try {
          await this.look(kong);
          misses = 0;
          this.#kong = kong;
          this.#waiting = this.#entries.running.size > 0 ? null : (this.#entries.trouble ?? NO_ENTRY);
        } catch (error) {
          misses += 1;
          this.#kong = null;
          this.#waiting = (error as Error).message;
          const { message } = error as Error;
          this.#troubleLog.say('warn', ENTRIES_UNREAD, message, 'the plugin entries can be read again');
        }
        void this.#alerts.look(this.#entries.running, this.configurationError());
        await this.#host.listen(this.#entries.statusListens);
        this.#troubleLog.nextPoll();
        for (const seen of this.#lookers.splice(0)) seen();
        await this.rest(pollMs);
      }
      if (isStopped()) return;
      await this.#entries.endAll();
      kong.client.close();
      this.#kong = null;
      this.#revision = null;
    }
  }

  /** Reads the entries once. An unchanged revision, where there is one, saves the read. */
  private async look(kong: Connection): Promise<void> {
    const { own } = this.options;
    const posted = this.#posted;
    const revision = await this.answered(kong.gateway.revision());
    // A post of ours may have been replaced by the former configuration meanwhile, whose revision is the same.
    const isSame = revision !== null && revision === this.#revision && posted === this.#postedThen;
    if (isSame && this.#entries.trouble === null && own === undefined) {
      this.#troubleLog.unchanged();
      return;
    }
    // Entries from a file do not show whether Kong still answers.
    if (own !== undefined && revision === null) await this.answered(kong.client.get('/status'));
    const entries = own?.read() ?? (await this.answered(kong.gateway.pluginEntries()));
    await this.#entries.adapt(entries, kong);
    if (revision !== null && !isSame) {
      // The configuration was posted, or Kong was restarted: look at the certificates now.
      if (this.#revision !== null) this.request('poll');
      this.#revision = revision;
      this.#postedThen = posted;
    }
  }

  /** A Kong that accepts requests and never answers counts as away long before the requests are given up. */
  private async answered<T>(request: Promise<T>): Promise<T> {
    const { silentMs = 20_000 } = this.options;
    const timer = setTimeout(() => {
      this.#kong = null;
      this.#waiting = `Kong's Admin API accepts requests and has not answered for ${silentMs / 1000} s`;
      this.#troubleLog.say('warn', 'waiting for Kong', this.#waiting);
    }, silentMs);
    try {
      return await request;
    } finally {
      clearTimeout(timer);
    }
  }

  private log(level: 'info' | 'warn' | 'error', message: string, detail?: string): void {
    this.options.logger.log(level, message, detail === undefined ? {} : { detail });
  }
}

/** Longer than a look takes where Kong answers. */
const RELOAD_MS = 15_000;

const ENTRIES_UNREAD = 'the plugin entries cannot be read';
const NO_ENTRY = 'Kong has no enabled global entry of the plugin';
