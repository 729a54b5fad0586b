import { unreachable, type PassEvent, type PassReport, type Reporter, type SecretRef } from '../model';
import { safeText } from '../common/safe-text';
import type { Logger } from './logger';

/** Posts an Event (core/v1) in a namespace. */
export type PostEvent = (namespace: string, event: object) => Promise<unknown>;

/** Events of one Secret and reason are not repeated within this time. */
const QUIET_MS = 10 * 60_000;
/** Events a minute at most; they live in the cluster's etcd. */
const PER_MINUTE = 20;
/** After a failure (no permission, an API server that is away) none is tried for so long. */
const PAUSE_MS = 10 * 60_000;

/** Says on the Secret what became of it: `kubectl describe secret` shows it. */
export class EventReporter implements Reporter {
  readonly #last = new Map<string, number>();
  #minute = { startedAt: 0, count: 0 };
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** What stands in the way, as it was said. */
  #trouble = '';

  constructor(
    private readonly post: PostEvent,
    private readonly logger: Logger,
    private readonly now: () => number = Date.now,
  ) {}

  pass({ events }: PassReport): void {
    for (const event of events) {
      const said = event.secret === undefined ? null : describe(event);
      if (event.secret !== undefined && said !== null) this.say(event.secret, said);
    }
  }

  failed(): void {
    // A pass that could not be made is no news about a Secret.
  }

  private say(secret: SecretRef, { type, reason, message }: Said): void {
    const now = this.now();
    const key = `${secret.uid} ${reason} ${message}`;
    if (now - this.#minute.startedAt > 60_000) this.#minute = { startedAt: now, count: 0 };
    const isQuiet = now - (this.#last.get(key) ?? -QUIET_MS) < QUIET_MS;
    if (now < this.#pausedUntil || isQuiet || this.#minute.count >= PER_MINUTE) return;
    this.#minute.count += 1;
    if (this.#last.size > 1_000) this.#last.clear();
    this.#last.set(key, now);
    const time = new Date(now).toISOString();
    const { namespace, name, uid } = secret;
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { generateName: `${name.slice(0, 200)}.`, namespace },
      involvedObject: { apiVersion: 'v1', kind: 'Secret', namespace, name, uid },
      type,
      reason,
      message: safeText(message).slice(0, 1024),
      source: { component: 'ssl-cert-reloader' },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    this.post(namespace, event).then(
      () => {
        this.#trouble = '';
      },
      (error: unknown) => this.pause((error as Error).message),
    );
  }

  /** Whoever may not write Events is told so once, and not in each pass. */
  private pause(detail: string): void {
    this.#pausedUntil = this.now() + PAUSE_MS;
    if (this.#trouble !== detail)
      this.logger.log('info', 'Events are not written to the cluster', { detail });
    this.#trouble = detail;
  }
}

interface Said {
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

function describe({ fingerprint, outcome }: PassEvent): Said | null {
  switch (outcome.kind) {
    case 'swapped':
      return {
        type: 'Normal',
        reason: 'CertificateSwapped',
        message: `Kong serves ${fingerprint ?? 'it'} (certificate ${outcome.certificate})`,
      };
    case 'rolled_back':
      return { type: 'Warning', reason: 'CertificateRolledBack', message: outcome.proof.detail };
    case 'refused':
      return { type: 'Warning', reason: 'CertificateRefused', message: outcome.refusal.message };
    case 'would_change':
    case 'nudged':
    case 'removed':
    case 'failed':
      return null;
    default:
      return unreachable(outcome);
  }
}
