import {
  keptNames,
  eventKind,
  unreachable,
  type PassCause,
  type PassEvent,
  type PassReport,
  type Proof,
  type Reason,
  type Reporter,
  type WriteListener,
  type WrittenHalf,
} from '../model';
import type { PassStatus, RecentEvent, ReloaderStatus } from '../public';
import { Histogram } from './histogram';
import type { KnowledgeHead } from './knowledge-file';

/** Most recent events that are kept. */
const MAX_EVENTS = 100;

type SwapResult = 'served' | 'unproven' | 'not_served' | 'rolled_back' | 'failed';

const SWAP_RESULTS: Record<Proof['verdict'], SwapResult> = {
  served: 'served',
  wrong: 'not_served',
  unreachable: 'unproven',
  another: 'unproven',
  overwritten: 'unproven',
};

/** Counters since the start of the process. */
export class Counters {
  readonly swaps: Record<SwapResult, number> = {
    served: 0,
    unproven: 0,
    not_served: 0,
    rolled_back: 0,
    failed: 0,
  };
  rollbacks = 0;
  /** Certificates of the ingress controller that it did not write in time. */
  takeovers = 0;
  readonly rejected = new Map<Reason, number>();
  readonly sourceErrors = new Map<Reason, number>();
  readonly swapSeconds = new Histogram();
  readonly propagationSeconds = new Histogram();
}

/** Records what happened in one reloader, across reconfigurations. */
export class Journal implements Reporter, WriteListener {
  readonly counters = new Counters();
  #events: readonly RecentEvent[] = [];
  #lastPass: PassStatus | null = null;
  #lastSuccessAt: number | null = null;
  #steps: Partial<ReloaderStatus> = {};
  #revision = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** Newest first. */
  get events(): readonly RecentEvent[] {
    return this.#events;
  }

  get lastPass(): PassStatus | null {
    return this.#lastPass;
  }

  /** End of the last pass that could be made; milliseconds since the epoch. */
  get lastSuccessAt(): number | null {
    return this.#lastSuccessAt;
  }

  /** Increases with every record. */
  get revision(): number {
    return this.#revision;
  }

  /** What steps of the last pass add to the status. */
  get steps(): Partial<ReloaderStatus> {
    return this.#steps;
  }

  /** Takes over what an earlier process knew. */
  remember({
    known_at: at,
    events,
    default_certificate: byDefault,
    node_certificates: node,
  }: KnowledgeHead): void {
    this.#revision += 1;
    this.#lastSuccessAt = Date.parse(at);
    this.#events = events.slice(0, MAX_EVENTS);
    this.#steps = {
      ...(byDefault === undefined ? {} : { default_certificate: byDefault }),
      ...(node === undefined ? {} : { node_certificates: node }),
    };
  }

  /** Takes over what steps of the pass that just ended add to the status. */
  noteSteps(steps: readonly { status?(before: Partial<ReloaderStatus>): Partial<ReloaderStatus> }[]): void {
    const before = this.#steps;
    this.#steps = Object.assign({}, ...steps.map((step) => step.status?.(before))) as Partial<ReloaderStatus>;
  }

  pass({ cause, startedAt, durationMs, events, sourceErrors }: PassReport): void {
    const at = this.now();
    this.#revision += 1;
    this.#lastSuccessAt = at;
    this.#lastPass = {
      cause,
      started_at: new Date(startedAt).toISOString(),
      duration_ms: Math.round(durationMs),
      error: null,
    };
    for (const { refusal } of sourceErrors) increase(this.counters.sourceErrors, refusal.reason);
    for (const event of events) this.count(event);
    if (events.length === 0) return;
    const told = events.slice(-MAX_EVENTS).map((event) => recentEvent(event, at));
    this.#events = [...told.reverse(), ...this.#events].slice(0, MAX_EVENTS);
  }

  failed(cause: PassCause, error: Error): void {
    this.#revision += 1;
    this.#lastPass = {
      cause,
      started_at: new Date(this.now()).toISOString(),
      duration_ms: 0,
      error: error.message,
    };
  }

  written({ proof, durationMs }: WrittenHalf): void {
    this.counters.swapSeconds.observe(durationMs / 1000);
    if (proof?.verdict === 'served') this.counters.propagationSeconds.observe(proof.durationMs / 1000);
  }

  private count({ outcome }: PassEvent): void {
    const { swaps } = this.counters;
    switch (outcome.kind) {
      case 'swapped':
        swaps[outcome.proof === null ? 'unproven' : SWAP_RESULTS[outcome.proof.verdict]] += 1;
        if (outcome.how === 'taken_over') this.counters.takeovers += 1;
        return;
      case 'rolled_back':
        swaps.rolled_back += 1;
        this.counters.rollbacks += 1;
        return;
      case 'failed':
        swaps.failed += 1;
        return;
      case 'refused':
        increase(this.counters.rejected, outcome.refusal.reason);
        return;
      case 'mended':
      case 'nudged':
      case 'would_change':
      case 'removed':
        return;
      default:
        unreachable(outcome);
    }
  }
}

function increase(counts: Map<Reason, number>, reason: Reason): void {
  counts.set(reason, (counts.get(reason) ?? 0) + 1);
}

/** More names help nobody. */
const MAX_SNIS = 20;

function recentEvent(
  { outcome, location, fingerprint, snis, kept, inKong, urgent }: PassEvent,
  at: number,
): RecentEvent {
  return {
    at: new Date(at).toISOString(),
    kind: eventKind(outcome),
    certificate_id: 'certificate' in outcome ? outcome.certificate : (inKong?.certificate ?? null),
    snis: snis.slice(0, MAX_SNIS),
    location,
    fingerprint_sha256: fingerprint,
    reason: outcome.kind === 'refused' ? outcome.refusal.reason : null,
    detail: [
      ...(urgent === undefined ? [] : [`made ${urgent}`]),
      detailOf(outcome),
      ...(kept === undefined ? [] : [keptNames(kept)]),
    ]
      .filter((part) => part !== '')
      .join('; '),
  };
}

function detailOf(outcome: PassEvent['outcome']): string {
  switch (outcome.kind) {
    case 'swapped':
      return outcome.proof?.detail ?? '';
    case 'rolled_back':
      return `${outcome.proof.detail}; the previous one ${outcome.restored ? 'is back' : 'could not be restored'}`;
    case 'refused':
      return outcome.refusal.message;
    case 'mended':
      return `it was: ${outcome.refusal.message}`;
    case 'nudged':
      return outcome.detail;
    case 'failed':
      return outcome.error;
    case 'would_change':
    case 'removed':
      return '';
  }
}
