import {
  changeId,
  isChainOf,
  type CertificateState,
  type Half,
  type Hold,
  type KnownFailure,
  type KnownRefusal,
  type LiveView,
  type Plan,
  type ServedObservation,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import type { ServedBook } from './served-book';

/** The present state of one certificate: references to live data, created for a look and not kept. */
export interface CertificateFacts {
  /** Null: not in Kong. */
  certificate: StoredCertificate | null;
  half: Half;
  stored: StoredHalf | null;
  /** The source's bundle for it; null: none, or unreadable. */
  bundle: SourcedBundle | null;
  /** Id of the bundle, even if it is unreadable. */
  bundleId: string | null;
  seen: ServedObservation | undefined;
  state: CertificateState;
  refusal: KnownRefusal | null;
  isStanding: boolean;
  /** Why it could not be written so far; it will be tried again. */
  failure: KnownFailure | null;
  /** What holds back its change; null: nothing. */
  hold: Hold | null;
  /** Names that the ingress controller removed from Kong; empty: none. */
  dropped: readonly string[];
  /** A note on the bundle, which is not refused. */
  note: string | null;
}

/** A plan's statements about halves of certificates, by certificate id. */
interface PlanIndex {
  /** One bundle for most certificates, several for twins. */
  inSync: Map<string, SourcedBundle | SourcedBundle[]>;
  changes: Map<string, SourcedBundle[]>;
  refused: Map<string, { half: Half; bundle: string }[]>;
  broken: Map<string, string>;
}

/**
 * Yields every half of every certificate in Kong, then every bundle that is not there. Costs a few microseconds
 * each; a plan that is replaced meanwhile does not mix in.
 */
export function* certificateFacts(live: LiveView, served: ServedBook): Generator<CertificateFacts> {
  const { plan } = live;
  const index = indexPlan(live, plan);
  const shown = new Set<string>();
  for (const certificate of [...live.certificates.values()]) {
    for (const half of ['main', 'alt'] as const) {
      const stored = certificate[half];
      if (stored === null) continue;
      const facts = storedFacts(live, index, certificate, half, stored, served);
      if ((facts.state === 'refused' || facts.state === 'pending') && facts.bundleId !== null)
        shown.add(facts.bundleId);
      yield facts;
    }
  }
  if (plan !== null) yield* looseFacts(live, plan, shown);
}

function indexPlan(live: LiveView, plan: Plan | null): PlanIndex {
  const index: PlanIndex = {
    inSync: new Map(),
    changes: new Map(),
    refused: new Map(),
    broken: new Map(),
  };
  for (const [id, holders] of live.holders) for (const holder of holders) index.broken.set(holder, id);
  if (plan === null) return index;
  for (const [id, holders] of plan.inSync) {
    const bundle = live.bundle(id);
    if (bundle === null) continue;
    for (const holder of holders) {
      const known = index.inSync.get(holder);
      index.inSync.set(holder, known === undefined ? bundle : [known, bundle].flat());
    }
  }
  for (const change of plan.changes) push(index.changes, changeKey(change), change.bundle);
  for (const [bundle, meant] of plan.meant) {
    if (!plan.refused.has(bundle) && !plan.waiting.has(bundle)) continue;
    for (const { certificate, half } of meant) push(index.refused, certificate, { half, bundle });
  }
  return index;
}

const changeKey = (change: Plan['changes'][number]) =>
  change.kind === 'update' && change.half === 'alt' ? `${changeId(change)} alt` : changeId(change);

function storedFacts(
  live: LiveView,
  index: PlanIndex,
  certificate: StoredCertificate,
  half: Half,
  stored: StoredHalf,
  served: ServedBook,
): CertificateFacts {
  const { id } = certificate;
  const seen = served.seen(id, half);
  const make = (state: CertificateState, bundleId: string | null): CertificateFacts => {
    const standing = bundleId === null ? undefined : refusalOf(live, bundleId);
    const past = bundleId === null ? undefined : live.pastRefusal(bundleId);
    return {
      certificate,
      half,
      stored,
      bundle: bundleId === null ? null : live.bundle(bundleId),
      bundleId,
      seen,
      state,
      refusal: standing ?? past ?? null,
      isStanding: standing !== undefined,
      failure: state === 'pending' ? (live.failure(id, half) ?? null) : null,
      hold: state === 'pending' ? (live.hold(id, half) ?? null) : null,
      ...wordsOf(live, bundleId),
    };
  };
  const [change] = index.changes.get(half === 'alt' ? `${id} alt` : id) ?? [];
  if (change !== undefined) {
    return make(live.plan?.refused.has(change.id) === true ? 'refused' : 'pending', change.id);
  }
  const holding = index.inSync.get(id);
  const bundle = Array.isArray(holding)
    ? holding.find((one) => isIn(one, stored, certificate))
    : holding !== undefined && isIn(holding, stored, certificate)
      ? holding
      : undefined;
  const refused = index.refused.get(id)?.find((one) => one.half === half);
  const refusedState = (bundleId: string) =>
    live.plan?.waiting.has(bundleId) === true ? 'pending' : 'refused';
  if (bundle !== undefined) {
    const better = refused === undefined ? null : live.bundle(refused.bundle);
    const isHeldUp = better !== null && better.leaf.notBefore > bundle.leaf.notBefore;
    return isHeldUp ? make(refusedState(better.id), better.id) : make(servedState(stored, seen), bundle.id);
  }
  const refusedId = refused?.bundle ?? index.broken.get(id);
  return refusedId === undefined ? make('no_source', null) : make(refusedState(refusedId), refusedId);
}

const isIn = (bundle: SourcedBundle, stored: StoredHalf, { owner }: StoredCertificate) =>
  bundle.content === stored.content || isChainOf(bundle, stored.chain, owner === 'ingress_controller');

/** Observations of an earlier stored leaf say nothing about this one. */
function servedState(stored: StoredHalf, seen: ServedObservation | undefined): CertificateState {
  return seen?.expected === stored.chain ? SEEN[seen.verdict] : 'unproven';
}

const SEEN: Record<ServedObservation['verdict'], CertificateState> = {
  served: 'in_sync',
  wrong: 'not_served',
  another: 'not_served',
  unreachable: 'unproven',
};

function* looseFacts(live: LiveView, plan: Plan, shown: Set<string>): Generator<CertificateFacts> {
  const make = (state: CertificateState, id: string): CertificateFacts => {
    const standing = refusalOf(live, id);
    return {
      certificate: null,
      half: 'main',
      stored: null,
      bundle: live.bundle(id),
      bundleId: id,
      seen: undefined,
      state,
      refusal: standing ?? live.pastRefusal(id) ?? null,
      isStanding: standing !== undefined,
      failure: null,
      hold: null,
      ...wordsOf(live, id),
    };
  };
  for (const change of plan.changes) {
    if (change.kind === 'update') {
      const certificate = live.certificates.get(change.certificate.id) ?? null;
      if (certificate === null || certificate[change.half] === null)
        yield {
          ...make('pending', change.bundle.id),
          certificate,
          half: change.half,
          hold: live.hold(change.certificate.id, change.half) ?? null,
        };
    } else if (!live.certificates.has(change.id))
      yield { ...make('pending', change.bundle.id), hold: live.hold(change.id, 'main') ?? null };
  }
  for (const id of plan.refused.keys()) if (!shown.has(id)) yield make('refused', id);
  for (const id of plan.waiting.keys()) if (!shown.has(id)) yield make('pending', id);
  for (const id of plan.unused) yield make('unused', id);
}

function wordsOf(live: LiveView, bundleId: string | null) {
  if (bundleId === null) return { dropped: NONE, note: null };
  const waiting = live.plan?.waiting.get(bundleId);
  const whyWaiting =
    waiting === undefined ? null : `the ingress controller may renew it first: ${waiting.message}`;
  const dropped = live.plan?.dropped.get(bundleId) ?? NONE;
  return { dropped, note: live.note(bundleId) ?? whyWaiting ?? (dropped.length > 0 ? DROPPED : null) };
}

const NONE: readonly string[] = [];
const DROPPED = 'the ingress controller dropped its certificate, and clients get another one';

/** A refusal that is not reported yet (it may pass) has no time of its own. */
function refusalOf(live: LiveView, bundleId: string): KnownRefusal | undefined {
  return live.plan?.refused.has(bundleId) === true ? live.refusal(bundleId) : undefined;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
