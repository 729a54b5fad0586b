import {
  REASONS,
  unreachable,
  type Reason,
  type Refusal,
  type PassEvent,
  type PassReport,
  type Reporter,
  type SecretRef,
} from '../model';
import { safeText } from '../common/safe-text';
import type { Logger } from './logger';

/** Posts an Event (core/v1) in a namespace. */
type PostEvent = (namespace: string, event: object) => Promise<unknown>;

/** Events about one Secret and reason are not repeated within this time. */
const QUIET_MS = 10 * 60_000;
/** Most Events a minute, for one namespace and for all; they are kept in the cluster's etcd. */
const PER_MINUTE = 20;
const ALL_PER_MINUTE = 200;
/**
 * After a failure (no permission, a namespace that accepts none, an API server that is away) none is tried there
 * for this long.
 */
const PAUSE_MS = 10 * 60_000;
/** Most namespaces and Secrets that are remembered. */
const MOST_KNOWN = 10_000;

/** Reports on each Secret what happened to it: `kubectl events --for secret/NAME` shows it. */
export class EventReporter implements Reporter {
  readonly #last = new Map<string, number>();
  /** Events of each namespace in this minute: one with much to report takes nothing from another. */
  #minute = { startedAt: 0, count: 0, byNamespace: new Map<string, number>() };
  readonly #pausedUntil = new Map<string, number>();
  /** The present obstacle, as logged. */
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
    const { namespace, name, uid } = secret;
    if (now - this.#minute.startedAt > 60_000)
      this.#minute = { startedAt: now, count: 0, byNamespace: new Map() };
    const isQuiet = now - (this.#last.get(key) ?? -QUIET_MS) < QUIET_MS;
    const isPaused = now < (this.#pausedUntil.get(namespace) ?? Number.NEGATIVE_INFINITY);
    const count = this.#minute.byNamespace.get(namespace) ?? 0;
    if (isPaused || isQuiet || count >= PER_MINUTE || this.#minute.count >= ALL_PER_MINUTE) return;
    this.#minute.count += 1;
    this.#minute.byNamespace.set(namespace, count + 1);
    if (this.#last.size > MOST_KNOWN) this.#last.clear();
    this.#last.set(key, now);
    const time = new Date(now).toISOString();
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
      (error: unknown) => this.pause(namespace, (error as Error).message),
    );
  }

  /** A missing right to write Events is logged once, and not in each pass. */
  private pause(namespace: string, detail: string): void {
    if (this.#pausedUntil.size > MOST_KNOWN) this.#pausedUntil.clear();
    this.#pausedUntil.set(namespace, this.now() + PAUSE_MS);
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
      return {
        type: 'Warning',
        reason: 'CertificateRolledBack',
        message: outcome.restored
          ? REASONS.not_served
          : 'it was written, Kong does not serve it, and the previous one could not be restored',
      };
    case 'refused':
      return { type: 'Warning', reason: 'CertificateRefused', message: forTenant(outcome.refusal) };
    case 'mended':
    case 'would_change':
    case 'nudged':
    case 'removed':
    case 'failed':
      return null;
    default:
      return unreachable(outcome);
  }
}

/**
 * Whether the sentence of a refusal is only about its own bundle. A reader of a namespace's Events may be one
 * tenant among many, and must not learn of other certificates, places and names.
 */
const SENTENCE_IS_ABOUT: Record<Reason, 'itself' | 'others'> = {
  unreadable: 'itself',
  forbidden: 'itself',
  unreachable: 'others',
  incomplete: 'itself',
  missing_certificate: 'itself',
  missing_key: 'itself',
  unsupported_format: 'itself',
  encrypted_key: 'itself',
  alias_needed: 'itself',
  found_twice: 'others',
  too_large: 'itself',
  key_mismatch: 'itself',
  chain_broken: 'itself',
  chain_incomplete: 'others',
  ca_as_leaf: 'itself',
  not_a_ca: 'itself',
  expired: 'itself',
  not_yet_valid: 'itself',
  weak_signature: 'itself',
  weak_key: 'itself',
  not_for_servers: 'itself',
  too_many_names: 'itself',
  no_names: 'itself',
  names_not_covered: 'others',
  older_than_stored: 'others',
  sni_taken: 'others',
  vault_reference: 'others',
  issuer_changed: 'others',
  name_of_another: 'others',
  loses_client_auth: 'others',
  managed_elsewhere: 'others',
  no_common_cipher: 'itself',
  refused_by_kong: 'others',
  still_referenced: 'others',
  not_served: 'others',
};

const forTenant = ({ reason, message }: Refusal): string =>
  SENTENCE_IS_ABOUT[reason] === 'itself'
    ? message
    : `${REASONS[reason]} (${reason}); the plugin's log says more`;
