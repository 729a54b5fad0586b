import * as crypto from 'node:crypto';
import { readCaBundle } from '../certificates';
import {
  isRefusal,
  refusal,
  type CaCertificate,
  type CaChange,
  type CaResult,
  type Gateway,
  type Outcome,
  type PassEvent,
  type Refusal,
  type Source,
  type SourceState,
  type StoredCa,
} from '../model';
import { Findings, type PassContext, type Step } from '../pass';
import { planTrust, refusalId, type TrustedBundle } from './plan';

interface TrustOptions {
  sources: readonly Source[];
  gateway: Pick<Gateway, 'caCertificates' | 'write'>;
  allowDowngrade: boolean;
  /** Tag of everything that this plugin creates. */
  tag: string;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/**
 * How long a certificate must be missing from its bundle before it is removed from Kong: a file that is being
 * written may end between two certificates, which does not show.
 */
const REMOVE_AFTER_MS = 60_000;

interface Held {
  readonly source: Source;
  readonly readings: Map<string, CaCertificate[] | Refusal>;
  errors: readonly Refusal[];
  /** Troubles of single tenants. */
  partial: readonly Refusal[];
  /** Start of the present errors (milliseconds since the epoch). */
  since: number;
}

/** Keeps Kong's CA certificates in step with sources of trust. */
export class Trust {
  readonly #held: readonly Held[];
  readonly #findings: Findings;
  readonly #now: () => number;
  /** When the certificate of an entity left its bundle, by entity id. */
  readonly #missing = new Map<string, number>();
  /** Certificates that Kong refused, by digest. */
  readonly #refusedByKong = new Map<string, Refusal>();
  /** Entities that could not be removed, with the reason. */
  readonly #kept = new Map<string, Refusal>();
  #refused = new Map<string, Refusal>();
  #events: PassEvent[] = [];
  #wouldChange = new Set<string>();
  /** Present failures that were reported: each is one event, not one for each try. */
  #failed = new Set<string>();
  #stillFailed = new Set<string>();
  #total = 0;
  #inSync = 0;
  /** Why Kong could not be asked in this pass. */
  #failure: Error | null = null;

  constructor(private readonly options: TrustOptions) {
    this.#held = options.sources.map((source) => ({
      source,
      readings: new Map(),
      errors: [],
      partial: [],
      since: 0,
    }));
    this.#now = options.now ?? Date.now;
    this.#findings = new Findings(this.#now);
  }

  /** Runs before the certificates: scans the sources and Kong, and prepares the changes to be sent with theirs. */
  readonly scan: Step = { run: (pass) => this.begin(pass), sources: () => this.sources };

  /** Runs after the certificates: writes the changes that were not sent with them, and reports. */
  readonly write: Step = { run: (pass) => this.finish(pass) };

  private async begin(pass: PassContext): Promise<void> {
    this.#failure = null;
    if (pass.isAskedFor) {
      this.#refusedByKong.clear();
      this.#kept.clear();
    }
    for (const held of this.#held) await this.look(held, pass);
    try {
      await this.options.gateway.caCertificates.refresh();
    } catch (error) {
      // The certificates go on without it.
      this.#failure = error as Error;
      return;
    }
    const { gateway, allowDowngrade } = this.options;
    const bundles = this.#held.map((held) => this.bundleOf(held));
    const plan = planTrust({
      bundles,
      stored: gateway.caCertificates.stored,
      now: this.#now(),
      allowDowngrade,
      refusedByKong: this.#refusedByKong,
    });
    const changes = [...plan.changes, ...this.removals(plan.gone)];
    this.#refused = plan.refused;
    this.#total = bundles.reduce((sum, { certificates }) => sum + certificates.length, 0);
    this.#inSync = plan.inSync;
    if (pass.observe) this.report(changes);
    else if (pass.mayWrite()) pass.work.caChanges = changes;
  }

  private async finish(pass: PassContext): Promise<void> {
    const { report } = pass;
    const { work } = pass;
    const left = work.caChanges.splice(0);
    if (left.length > 0) {
      const edits = { certificates: [], caCertificates: left };
      work.caResults.push(...(await this.options.gateway.write(edits, notAsked)).caCertificates);
    }
    const results = work.caResults.splice(0);
    this.#stillFailed = new Set();
    for (const result of results) this.settle(result);
    this.#failed = this.#stillFailed;
    for (const { source, readings } of this.#held) {
      for (const [name, reading] of readings) {
        if (isRefusal(reading)) this.#refused.set(`${source.id}#${name}`, reading);
      }
    }
    for (const [id, why] of this.#kept) this.#refused.set(id, why);
    this.#findings.refusals(this.#refused, { get: () => null });
    const unread =
      this.#failure === null
        ? []
        : [refusal('unreachable', `what Kong trusts cannot be read: ${this.#failure.message}`)];
    const errors = this.#held.flatMap(({ source, errors: found, partial }) =>
      [...found, ...partial, ...unread].map((why) => ({ source: source.id, refusal: why })),
    );
    const { events } = this.#findings.take();
    const mine = [...this.#events, ...events];
    this.#events = [];
    if (this.#failure !== null || results.some(({ kind }) => kind === 'failed')) pass.leave('failed');
    else if (this.#findings.settling) pass.leave('settling');
    report.bundles += this.#total;
    report.inSync += this.#inSync + results.filter(({ kind }) => kind === 'written').length;
    report.refused += this.#refused.size;
    report.events.push(...mine.map((event) => ({ ...event, isTrust: true as const })));
    const found = this.#findings.newSourceErrors(errors, pass.touched !== undefined);
    report.sourceErrors.push(...found.sourceErrors);
    report.mendedSources.push(...found.mendedSources);
  }

  /** Every source as of the last scan, with its number of CA certificates. */
  get sources(): SourceState[] {
    return this.#held.map(({ source, readings, errors, partial, since }) => {
      const [why] = [...errors, ...partial];
      const bundles = [...readings.values()].reduce(
        (n, found) => n + (isRefusal(found) ? 0 : found.length),
        0,
      );
      return { id: source.id, bundles, error: why === undefined ? null : { why, since } };
    });
  }

  private async look(held: Held, { touched, isAskedFor: isWhole }: PassContext): Promise<void> {
    const { source, readings } = held;
    try {
      const { changed, removed, errors, partial } = await source.scan(touched, { whole: isWhole });
      this.note(held, errors, partial);
      for (const name of removed) readings.delete(name);
      const broken = [...readings].flatMap(([name, reading]) => (isRefusal(reading) ? [name] : []));
      for (const name of new Set([...changed, ...broken])) {
        const raw = await source.read(name);
        if (raw === null) readings.delete(name);
        else readings.set(name, isRefusal(raw) ? raw : await readCaBundle(raw));
      }
    } catch (error) {
      this.note(held, [refusal('unreadable', `${source.id}: ${(error as Error).message}`)]);
    }
  }

  private note(held: Held, errors: readonly Refusal[], partial: readonly Refusal[] = []): void {
    if (held.errors.length + held.partial.length === 0) held.since = this.#now();
    held.errors = errors;
    held.partial = partial;
  }

  private bundleOf({ source, readings, errors }: Held): TrustedBundle {
    const { tag } = this.options;
    const own = `${tag}-trust-${idOf(source.id)}`;
    const isShared = source.ownership === 'tenants';
    const tagOf = (name: string) => `${tag}-from-${idOf(`${source.id}#${name}`)}`;
    const objectOf = (name: string) => (isShared ? { object: tagOf(name) } : {});
    const refused = [...readings].flatMap(([name, reading]) => (isRefusal(reading) ? [tagOf(name)] : []));
    return {
      source: source.id,
      tags: [tag, own],
      certificates: [...readings].flatMap(([name, reading]) =>
        isRefusal(reading) ? [] : reading.map((ca) => ({ ...ca, ...objectOf(name) })),
      ),
      isWhole: errors.length === 0 && (isShared || refused.length === 0),
      ...(isShared ? { unread: new Set(refused) } : {}),
    };
  }

  /** Entities that have been gone for long enough and that nothing has kept so far. */
  private removals(gone: readonly StoredCa[]): CaChange[] {
    const ids = new Set(gone.map(({ id }) => id));
    for (const id of this.#missing.keys()) if (!ids.has(id)) this.#missing.delete(id);
    for (const id of this.#kept.keys()) if (!ids.has(id)) this.#kept.delete(id);
    const now = this.#now();
    return gone.flatMap((stored): CaChange[] => {
      // A clock that was set back restarts the time, and does not make it longer.
      const since = Math.min(this.#missing.get(stored.id) ?? now, now);
      this.#missing.set(stored.id, since);
      return now - since < REMOVE_AFTER_MS ? [] : [{ kind: 'remove', id: stored.id, stored }];
    });
  }

  private report(changes: readonly CaChange[]): void {
    const before = this.#wouldChange;
    this.#wouldChange = new Set();
    for (const change of changes) {
      if (change.kind === 'remove') continue;
      const key = `${change.id} ${change.ca.digest}`;
      this.#wouldChange.add(key);
      if (before.has(key)) continue;
      this.happened(change, {
        kind: 'would_change',
        certificate: change.id,
        created: change.kind === 'create',
      });
    }
  }

  private settle(result: CaResult): void {
    const { change } = result;
    if (result.kind === 'kept') {
      const message = `CA certificate ${change.id} left its bundle and stays, since Kong still refers to it: ${result.detail}`;
      this.#kept.set(change.id, refusal('still_referenced', message));
      return;
    }
    if (result.kind === 'refused' && change.kind !== 'remove') {
      const why = refusal(
        'refused_by_kong',
        `Kong refused a CA certificate of ${change.ca.location}: ${result.detail}`,
      );
      this.#refusedByKong.set(change.ca.digest, why);
      this.#refused.set(refusalId(change.ca), why);
      return;
    }
    const { id: certificate, kind } = change;
    if (result.kind === 'written') {
      this.happened(
        change,
        kind === 'remove'
          ? { kind: 'removed', certificate }
          : { kind: 'swapped', certificate, how: kind === 'create' ? 'created' : 'swapped', proof: null },
      );
      return;
    }
    const [error, failure] =
      result.kind === 'failed' ? [result.error.message, result.failure] : [result.detail, 'refused' as const];
    if (!this.#failed.has(`${certificate} ${error}`))
      this.happened(change, { kind: 'failed', certificate, error, failure });
    this.#stillFailed.add(`${certificate} ${error}`);
  }

  private happened(change: CaChange, outcome: Outcome): void {
    const facts = change.kind === 'remove' ? change.stored.certificate : change.ca;
    const location = change.kind === 'remove' ? `ca_certificates ${change.id}` : change.ca.location;
    const { fingerprint = null, notAfter = null } = facts ?? {};
    this.#events.push({ bundle: change.id, location, fingerprint, notAfter, snis: [], outcome });
  }
}

const idOf = (text: string) => crypto.hash('sha256', text).slice(0, 12);

const notAsked = () => Promise.reject(new Error('no certificate was to be written'));
