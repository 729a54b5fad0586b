import { Alerting, type AlertingOptions, type Observed } from '../alerts';
import type { Config } from './config';
import type { Logger } from '../report';
import type { Reloader } from './reloader';

/** An entry that alerts are made for. */
export interface AlertedEntry {
  config: Config;
  reloader: Pick<Reloader, 'view' | 'isAsking'>;
  /** When this reloader was started; milliseconds since the epoch. */
  startedAt: number;
}

interface Desk {
  alerting: Alerting;
  config: Config;
  /** Since when no pass can be made, in milliseconds since the epoch; null: passes are made. */
  troubleSince: number | null;
  /** The same for a configuration that cannot be used. */
  refusedSince: number | null;
}

/**
 * Alerts of every entry that has a webhook. It outlives the reloaders: when Kong is away none of them runs, and
 * just then an alert is due; and a new reloader must not repeat what was sent.
 */
export class AlertDesk {
  readonly #desks = new Map<string, Desk>();

  /** @param toldFile where it is kept from one process to the next what an entry's webhook was told; null: nowhere */
  constructor(
    private readonly logger: Logger,
    private readonly now: () => number = Date.now,
    private readonly toldFile: (entry: string) => string | null = () => null,
  ) {}

  /**
   * Looks at what runs; to be called every few seconds, and not to be waited for. Never throws.
   * @param configurationError why a newer configuration is not used; null: it is
   */
  async look(
    running: Iterable<readonly [entry: string, AlertedEntry]>,
    configurationError: string | null = null,
  ): Promise<void> {
    await Promise.all(
      [...running].map(([entry, one]) =>
        this.guard(entry, () => this.lookAt(entry, one, configurationError)),
      ),
    );
  }

  /**
   * Tells that Kong is away and nothing runs. Never throws.
   * @param known the last known state of each entry
   */
  async away(message: string, known: ReadonlyMap<string, AlertedEntry>): Promise<void> {
    for (const [entry, { config }] of known) this.open(entry, config);
    await Promise.all(
      [...this.#desks].map(([entry, desk]) => {
        const observe = (): Observed => {
          const view = known.get(entry)?.reloader.view(false);
          const isKnown = view !== undefined && view.known_at !== null;
          const status = isKnown ? { ...view, certificates: view.certificates() } : null;
          return { entry, status, trouble: this.trouble(desk, message) };
        };
        return this.guard(entry, () => desk.alerting.look(message, observe));
      }),
    );
  }

  /** Ends the alerts of an entry that is gone; not even the end of its troubles is sent. */
  forget(entry: string): void {
    void this.#desks.get(entry)?.alerting.close(true);
    this.#desks.delete(entry);
  }

  async close(): Promise<void> {
    const desks = [...this.#desks.values()];
    this.#desks.clear();
    await Promise.all(desks.map(({ alerting }) => alerting.close()));
  }

  /** A mistake of ours may cost alerts, and nothing else. */
  private async guard(entry: string, look: () => Promise<void>): Promise<void> {
    try {
      await look();
    } catch (error) {
      this.logger.log('error', 'alerts cannot be made', { entry, error: (error as Error).message });
    }
  }

  private async lookAt(
    entry: string,
    { config, reloader, startedAt }: AlertedEntry,
    configurationError: string | null,
  ): Promise<void> {
    const desk = this.open(entry, config);
    // The renewal time decides what is sent, and will be known in a moment.
    if (desk === null || reloader.isAsking) return;
    const view = reloader.view();
    const error = view.last_pass?.error ?? null;
    if (!view.is_current && error === null) return;
    await desk.alerting.look(`${startedAt}.${view.revision} ${configurationError ?? ''}`, () => ({
      entry,
      status: view.known_at === null ? null : { ...view, certificates: view.certificates() },
      trouble: this.trouble(desk, error),
      configuration: this.refused(desk, configurationError),
    }));
  }

  private open(entry: string, config: Config): Desk | null {
    const known = this.#desks.get(entry);
    if (known?.config === config) return known;
    const { webhook, webhook_file: file } = config.alerts;
    if (webhook == null && file == null) {
      this.forget(entry);
      return null;
    }
    const options = this.optionsFor(entry, config);
    if (known !== undefined && !isSame(known.config, config)) known.alerting.reconfigure(options);
    const alerting = known?.alerting ?? new Alerting(options);
    const desk = {
      alerting,
      config,
      troubleSince: known?.troubleSince ?? null,
      refusedSince: known?.refusedSince ?? null,
    };
    this.#desks.set(entry, desk);
    return desk;
  }

  private optionsFor(entry: string, config: Config): AlertingOptions {
    return {
      entry,
      settings: config.alerts,
      warningDays: config.expiry_warning_days,
      takeoverGrace: config.takeover_grace,
      statusUrl: config.status.url ?? null,
      toldFile: this.toldFile(entry),
      say: (level, message, fields) => this.logger.log(level, message, { entry, ...fields }),
      now: this.now,
    };
  }

  private refused(desk: Desk, message: string | null): Observed['trouble'] {
    desk.refusedSince = message === null ? null : (desk.refusedSince ?? this.now());
    return message === null || desk.refusedSince === null ? null : { message, since: desk.refusedSince };
  }

  private trouble(desk: Desk, message: string | null): Observed['trouble'] {
    if (message === null) {
      desk.troubleSince = null;
      return null;
    }
    desk.troubleSince ??= this.now();
    return { message, since: desk.troubleSince };
  }
}

const isSame = (one: Config, other: Config) => settingsOf(one) === settingsOf(other);

const settingsOf = ({ alerts, expiry_warning_days: days, takeover_grace: grace, status }: Config) =>
  JSON.stringify([alerts, days, grace, status.url]);
