import { inTurn, type SecretRef, type SourcedBundle } from '../model';
import { KubernetesError, type KubernetesClient } from './client';

/** cert-manager's Certificate (cert-manager.io/v1); only what matters here, times as in RFC 3339. */
interface Certificate {
  status?: { notAfter?: string; renewalTime?: string };
}

interface RenewalTimesOptions {
  /** Client for a Secret's cluster; null: nobody can be asked there. */
  clientOf: (secret: SecretRef) => KubernetesClient | null;
  now?: () => number;
}

/** Most requests of a round; the most urgent ones first. */
const PER_ROUND = 10;
/**
 * A known renewal time is asked for again after this: a person may change it, or the CA may request an earlier
 * renewal (ARI).
 */
const KNOWN_MS = 3_600_000;
/** First wait after a request in vain, or an overdue renewal; doubled each time. */
const FIRST_WAIT_MS = 10 * 60_000;
const LONGEST_WAIT_MS = 24 * 3_600_000;
/** Pause of a namespace that did not answer: a missing right may come later. */
const PAUSE_MS = 3_600_000;

/**
 * Asks cert-manager for the renewal times of its Secrets, which the Secrets do not contain: for each leaf, and
 * again about once an hour, since the time may move. Without the right to ask, nothing is learned, which is no
 * trouble.
 */
export class RenewalTimes {
  /** Bundles that were asked for; a renewed one is another object. */
  readonly #asked = new WeakMap<SourcedBundle, Asked>();
  /** Times until which nothing is asked in a namespace. */
  readonly #pausedUntil = new Map<string, number>();
  #isAsking = false;

  constructor(private readonly options: RenewalTimesOptions) {}

  /** Whether a round is under way, so that the known times may change soon. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** One round: a few requests, one after the other, none where nothing is due. Never throws. */
  async refresh(bundles: Iterable<SourcedBundle>): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      let left = PER_ROUND;
      for (const due of this.due(bundles)) {
        const client = this.options.clientOf(due.secret);
        // An earlier request may have been refused there.
        if (client === null || this.isPaused(due.secret)) continue;
        await this.ask(client, due);
        if (--left === 0) return;
      }
    } finally {
      this.#isAsking = false;
    }
  }

  /** Bundles that were never asked for come first, among them the one that expires first; each namespace in its turn. */
  private due(bundles: Iterable<SourcedBundle>): Due[] {
    const now = this.now();
    const due: Due[] = [];
    for (const bundle of bundles) {
      const { secret } = bundle;
      if (secret?.certificate === undefined) continue;
      const { nextAt, waitMs } = this.#asked.get(bundle) ?? { nextAt: 0, waitMs: FIRST_WAIT_MS };
      if (nextAt > now || this.isPaused(secret)) continue;
      due.push({ bundle, secret, certificate: secret.certificate, nextAt, waitMs });
    }
    due.sort((a, b) => a.nextAt - b.nextAt || a.bundle.leaf.notAfter - b.bundle.leaf.notAfter);
    return inTurn(due, ({ secret }) => placeOf(secret));
  }

  private async ask(client: KubernetesClient, { bundle, secret, certificate, waitMs }: Due): Promise<void> {
    const now = this.now();
    const later = { nextAt: now + waitMs, waitMs: Math.min(waitMs * 2, LONGEST_WAIT_MS) };
    const [namespace, name] = [secret.namespace, certificate].map(encodeURIComponent);
    try {
      const { status } = await client.get<Certificate>(
        `/apis/cert-manager.io/v1/namespaces/${namespace}/certificates/${name}`,
      );
      const renewalAt = renewalOf(status, bundle.leaf.notAfter);
      if (renewalAt === null) delete bundle.renewalAt;
      else bundle.renewalAt = renewalAt;
      const isAhead = renewalAt !== null && renewalAt > now;
      const nextAt = Math.min(renewalAt ?? 0, now + KNOWN_MS);
      this.#asked.set(bundle, isAhead ? { nextAt, waitMs: FIRST_WAIT_MS } : later);
    } catch (error) {
      this.#asked.set(bundle, later);
      if (error instanceof KubernetesError && error.status === 404) delete bundle.renewalAt;
      // The known time stays.
      else this.#pausedUntil.set(placeOf(secret), now + PAUSE_MS);
    }
  }

  private isPaused(secret: SecretRef): boolean {
    return (this.#pausedUntil.get(placeOf(secret)) ?? 0) > this.now();
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

interface Asked {
  /** When it may be asked for again; milliseconds since the epoch. */
  nextAt: number;
  /** How much later, if that brings nothing. */
  waitMs: number;
}

interface Due extends Asked {
  bundle: SourcedBundle;
  secret: SecretRef;
  certificate: string;
}

const placeOf = ({ cluster = '', namespace }: SecretRef): string => `${namespace} ${cluster}`;

/** cert-manager writes the Secret first and its status a moment later: until then the status is of the former leaf. */
function renewalOf(status: Certificate['status'], notAfter: number): number | null {
  if (Date.parse(status?.notAfter ?? '') !== notAfter) return null;
  const renewalAt = Date.parse(status?.renewalTime ?? '');
  return Number.isNaN(renewalAt) ? null : renewalAt;
}
