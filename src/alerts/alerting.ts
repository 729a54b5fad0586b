import { hostname } from 'node:os';
import { Slices } from '../common/slices';
import type { AlertKind, Condition } from './alert';
import { changesOf, toldOf, type AlertState } from './changes';
import { eachCondition, type Observed } from './conditions';
import { FORMATS, type FormatName } from './formats';
import { Outbox } from './outbox';
import { ToldFile } from './told-file';
import { Webhook, type WebhookSettings } from './webhook';

/** The record `alerts` of the configuration, and the other fields that alerts depend on. */
interface AlertSettings extends WebhookSettings {
  format: FormatName;
  /** Days after which a lasting trouble is sent again; 0: never. */
  reminder_days: number;
  /** Seconds for which a trouble that often mends itself has to last before it is sent. */
  grace: number;
}

export interface AlertingOptions {
  entry: string;
  settings: AlertSettings;
  warningDays: readonly number[];
  /** Base address of the status, the page and the runbooks; null: not configured. */
  statusUrl?: string | null;
  /** Seconds that the ingress controller has before this plugin writes. */
  takeoverGrace: number;
  say: (
    level: 'warn' | 'info',
    message: string,
    fields: { webhook: string; error?: string; alerts?: number },
  ) => void;
  instance?: string;
  /** File that keeps what was told for the next process; null: none. */
  toldFile?: string | null;
  now?: () => number;
}

const DAY_MS = 86_400_000;
/** Time alone makes news, too: leaves expire, reminders fall due. */
const LOOK_MS = 60_000;

/** Troubles that are sent at once; the others often mend themselves and have to last for the grace. */
const AT_ONCE: Record<AlertKind, boolean> = {
  refused: true,
  rolled_back: true,
  expiring: true,
  expired: true,
  renewal_overdue: true,
  held: true,
  default_expiring: true,
  node_expiring: true,
  reload_pending: false,
  configuration: false,
  not_served: false,
  out_of_sync: false,
  writes_forbidden: false,
  source_down: false,
  passes_failing: false,
};

const whenKnown = (status: Observed['status']) => status !== null;
const whenCurrent = (status: Observed['status']) => status?.is_current === true;

/** Whether enough is known to call a trouble over: while Kong is away nobody can look. */
const CAN_BE_OVER: Record<AlertKind, (status: Observed['status']) => boolean> = {
  passes_failing: () => true,
  configuration: whenCurrent,
  // Time alone decides.
  expired: whenKnown,
  expiring: whenKnown,
  renewal_overdue: whenKnown,
  default_expiring: whenKnown,
  node_expiring: whenKnown,
  reload_pending: whenCurrent,
  held: whenCurrent,
  refused: whenCurrent,
  rolled_back: whenCurrent,
  not_served: whenCurrent,
  out_of_sync: whenCurrent,
  writes_forbidden: whenCurrent,
  source_down: whenCurrent,
};

/** Tells a webhook what is wrong with the certificates of one entry. A pass never waits for it. */
export class Alerting {
  #options: AlertingOptions;
  readonly #file: ToldFile | null;
  #state: AlertState;
  #webhook: Webhook;
  #outbox: Outbox;
  #revision: string | null = null;
  #lookAt = Number.NEGATIVE_INFINITY;
  #isLooking = false;

  constructor(options: AlertingOptions) {
    this.#options = options;
    this.#file = options.toldFile == null ? null : new ToldFile(options.toldFile);
    this.#state = this.#file?.load() ?? new Map();
    [this.#webhook, this.#outbox] = this.open();
  }

  /**
   * Takes over a new configuration of the entry: troubles that were sent stay sent, waiting messages go to the new
   * address.
   */
  reconfigure(options: AlertingOptions): void {
    const left = this.#outbox.close();
    this.#webhook.close();
    this.#options = options;
    this.#revision = null;
    [this.#webhook, this.#outbox] = this.open();
    if (left.length > 0) this.#outbox.add(left);
  }

  /**
   * To be called every few seconds. Costs nothing as long as the revision is the same, but once a minute; others get
   * their turn while thousands of certificates are looked at. A look during another one is left out.
   * @param revision another one whenever something of what is observed may be
   */
  async look(revision: string, observe: () => Observed): Promise<void> {
    const now = this.now();
    if (this.#isLooking || (revision === this.#revision && now < this.#lookAt)) return;
    this.#isLooking = true;
    this.#revision = revision;
    try {
      await this.tell(observe(), now);
    } finally {
      this.#isLooking = false;
    }
  }

  private async tell(observed: Observed, now: number): Promise<void> {
    const conditions: Condition[] = [];
    const slices = new Slices();
    for (const condition of eachCondition(observed, this.#options.warningDays, now)) {
      if (condition !== null) conditions.push(condition);
      if (slices.due) await slices.pause();
    }
    const { takeoverGrace, settings } = this.#options;
    const { refreshMs } = FORMATS[settings.format];
    const reminderMs =
      settings.reminder_days === 0 ? Number.POSITIVE_INFINITY : settings.reminder_days * DAY_MS;
    const { state, alerts, nextAt } = changesOf(this.#state, conditions, now, {
      graceMs: (kind) => {
        if (AT_ONCE[kind]) return 0;
        return 1000 * (settings.grace + (kind === 'out_of_sync' ? takeoverGrace : 0));
      },
      reminderMs: refreshMs ?? reminderMs,
      isUnknown: ({ kind }) => !CAN_BE_OVER[kind](observed.status),
    });
    this.#state = state;
    this.#lookAt = Math.min(now + LOOK_MS, nextAt);
    if (alerts.length > 0) this.#outbox.add(alerts);
  }

  /**
   * Drops the messages that were not delivered yet.
   * @param isGone nobody is to be told any more: the next process begins anew
   */
  async close(isGone = false): Promise<void> {
    this.#outbox.close();
    this.#webhook.close();
    if (isGone) this.#file?.remove();
    await this.#file?.settle();
  }

  private open(): [Webhook, Outbox] {
    const { settings, entry, say, instance = hostname(), statusUrl = null } = this.#options;
    const format = FORMATS[settings.format];
    const webhook = new Webhook(settings, (address) => format.address(address));
    const outbox = new Outbox({
      batchSize: format.batchSize,
      deliver: async (alerts) => {
        const body = format.body(alerts, { instance, entry, statusUrl, now: this.now() });
        return body === null ? { kind: 'delivered' } : webhook.post(body);
      },
      settled: () => this.#file?.save([...toldOf(this.#state, this.#outbox.waiting, this.now())]),
      say: (what, facts) => {
        const { level, message } = WORDS[what];
        say(level, message, { webhook: webhook.name, ...facts });
      },
    });
    return [webhook, outbox];
  }

  private now(): number {
    return (this.#options.now ?? Date.now)();
  }
}

const WORDS = {
  trouble: { level: 'warn', message: 'alerts cannot be delivered; they are tried again' },
  relief: { level: 'info', message: 'alerts are delivered again' },
  dropped: { level: 'warn', message: 'alerts were dropped' },
} as const;
