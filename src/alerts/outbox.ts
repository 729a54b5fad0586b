import { inTurn } from '../model';
import type { Alert } from './alert';

export type Delivery =
  | { kind: 'delivered' }
  /** Not delivered this time; another try may succeed. */
  | { kind: 'later'; error: string; afterMs: number | null }
  /** The receiver would refuse it again. */
  | { kind: 'never'; error: string };

interface OutboxOptions {
  /** Never throws. */
  deliver: (alerts: readonly Alert[]) => Promise<Delivery>;
  batchSize: number;
  say: (what: 'trouble' | 'relief' | 'dropped', facts: { error?: string; alerts?: number }) => void;
  /** Called when alerts were delivered, or given up. */
  settled?: () => void;
  now?: () => number;
  random?: () => number;
}

/** Most alerts that wait; beyond it the oldest warnings of the place with most of them are dropped. */
const MAX_WAITING = 1_000;
const BACKOFF_FIRST_MS = 1_000;
const BACKOFF_MAX_MS = 5 * 60_000;
const PATIENCE_MS = 60 * 60_000;
/** An alert that could not be delivered for a day is old news and is dropped. */
const TOO_OLD_MS = 24 * 60 * 60_000;

interface Waiting {
  alert: Alert;
  since: number;
}

/**
 * Delivers alerts one request after the other, without holding up anything else. Of several alerts about one
 * trouble only the latest waits; a trouble that was over before it could be sent is not sent.
 */
export class Outbox {
  #waiting = new Map<string, Waiting>();
  #timer: NodeJS.Timeout | null = null;
  #isSending = false;
  #underWay: readonly Waiting[] = [];
  #isClosed = false;
  #failures = 0;
  #error = '';
  readonly #now: () => number;
  readonly #random: () => number;

  constructor(private readonly options: OutboxOptions) {
    this.#now = options.now ?? Date.now;
    this.#random = options.random ?? Math.random;
  }

  /** Does nothing after `close`. */
  add(alerts: readonly Alert[]): void {
    if (this.#isClosed) return;
    for (const alert of alerts) this.put(alert);
    const excess = this.#waiting.size > MAX_WAITING ? leastWanted(this.#waiting) : [];
    for (const key of excess) this.#waiting.delete(key);
    const dropped = excess.length;
    if (dropped > 0)
      this.options.say('dropped', { alerts: dropped, error: 'too many alerts are waiting for the webhook' });
    if (this.#timer === null) void this.send();
  }

  /** The alerts that are not delivered yet. */
  get waiting(): Alert[] {
    return [...this.#underWay, ...this.#waiting.values()].map(({ alert }) => alert);
  }

  /** @returns the alerts that were not delivered */
  close(): Alert[] {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const left = this.waiting;
    this.#waiting.clear();
    return left;
  }

  private put(alert: Alert): void {
    const before = this.#waiting.get(alert.key)?.alert;
    this.#waiting.delete(alert.key);
    const isUntold = before?.status === 'firing' && !before.isReminder;
    if (isUntold && alert.status === 'resolved') return;
    // Where the first message was never delivered, the reminder is the first one.
    const isReminder = alert.isReminder && !isUntold;
    this.#waiting.set(alert.key, { alert: { ...alert, isReminder }, since: this.#now() });
  }

  private async send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    // A function: the compiler would take a field as unchanged across an await.
    const isClosed = () => this.#isClosed;
    while (this.#waiting.size > 0 && !isClosed()) {
      const batch = this.take();
      if (batch.length === 0) continue;
      this.#underWay = batch;
      const delivery = await this.options.deliver(batch.map(({ alert }) => alert));
      if (isClosed()) break;
      this.#underWay = [];
      if (delivery.kind === 'later') {
        this.putBack(batch);
        this.postpone(delivery);
        break;
      }
      if (delivery.kind === 'never')
        this.options.say('dropped', { alerts: batch.length, error: delivery.error });
      else this.succeed();
      this.options.settled?.();
    }
    this.#isSending = false;
  }

  private take(): Waiting[] {
    const oldest = this.#now() - TOO_OLD_MS;
    const batch: Waiting[] = [];
    let dropped = 0;
    for (const [key, waiting] of this.#waiting) {
      if (batch.length === this.options.batchSize) break;
      this.#waiting.delete(key);
      if (waiting.since < oldest) dropped += 1;
      else batch.push(waiting);
    }
    if (dropped > 0)
      this.options.say('dropped', { alerts: dropped, error: 'the webhook has not accepted them for a day' });
    return batch;
  }

  /** Puts a batch back in front of newer alerts, which replace older ones about the same trouble. */
  private putBack(batch: readonly Waiting[]): void {
    const newer = this.#waiting;
    this.#waiting = new Map(batch.map((waiting) => [waiting.alert.key, waiting]));
    for (const [key, waiting] of newer) {
      this.#waiting.delete(key);
      this.#waiting.set(key, waiting);
    }
  }

  private postpone({ error, afterMs }: { error: string; afterMs: number | null }): void {
    if (error !== this.#error) this.options.say('trouble', { error, alerts: this.#waiting.size });
    this.#error = error;
    this.#failures += 1;
    const backoff = Math.min(BACKOFF_FIRST_MS * 2 ** Math.min(this.#failures - 1, 10), BACKOFF_MAX_MS);
    const delay = Math.min(afterMs ?? backoff * (0.5 + this.#random()), PATIENCE_MS);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.send();
    }, delay);
    // No alert delays the end of the process.
    this.#timer.unref();
  }

  private succeed(): void {
    this.#failures = 0;
    if (this.#error === '') return;
    this.#error = '';
    this.options.say('relief', {});
  }
}

/** The alerts to drop if too many wait: first those of the tenant with the most, and no critical one before others. */
function leastWanted(waiting: ReadonlyMap<string, Waiting>): string[] {
  const newest = [...waiting].reverse();
  const rank = ([, { alert }]: [string, Waiting]) => Number(alert.severity !== 'critical');
  const fair = inTurn(newest, ([, { alert }]) => placeOf(alert));
  return fair
    .sort((a, b) => rank(a) - rank(b))
    .slice(MAX_WAITING)
    .map(([key]) => key);
}

/** A folder, or a namespace; empty: it is about no place. */
const placeOf = ({ facts: { location = '' } }: Alert): string => location.slice(0, location.lastIndexOf('/'));
