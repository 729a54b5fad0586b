import { asSnis, checkShape, coversSni } from '../certificates';
import {
  changeId,
  compareAge,
  isChainOf,
  refusal,
  type Change,
  type Half,
  type Plan,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { BundleIndex, certificateIdOf, isForServers } from './bundle-index';
import { completeTwins, withTwin } from './twins';

export interface PlanInput {
  /** Every bundle that was understood. */
  bundles: Iterable<SourcedBundle>;
  certificates: ReadonlyMap<string, StoredCertificate>;
  /** Milliseconds since the epoch. */
  now: number;
  allowDowngrade: boolean;
  /** Bundles as they were when they were last understood; they are not now. */
  broken?: readonly SourcedBundle[];
  /** Bundles that must not be tried (again) as they are, by bundle id: refused by the gate, Kong or a handshake. */
  barred: ReadonlyMap<string, Refusal>;
}

/**
 * Decides what to do; pure. Every certificate in Kong is given the best bundle that it can have:
 *
 * 1. the bundle it was created for (deterministic id),
 * 2. else bundles whose names cover all of its SNIs, those with the same names as its present leaf first.
 *
 * Among equals the newest wins, and on a tie the one that Kong already has. Bundles of one name and two types of
 * key become the two halves of a certificate that is ours; somebody else's certificate keeps the halves it has.
 */
export function makePlan(input: PlanInput): Plan {
  const index = new BundleIndex(input.bundles);
  const plan: Plan = {
    changes: [],
    refused: new Map(),
    meant: new Map(),
    inSync: new Map(),
    unchecked: [],
    unused: [],
    aside: [],
  };
  const wanted = new Set<string>();
  const taken = new Map<string, string>();
  for (const certificate of input.certificates.values()) {
    for (const sni of certificate.snis) taken.set(sni.toLowerCase(), certificate.id);
  }

  for (const certificate of input.certificates.values()) {
    for (const half of ['main', 'alt'] as const) {
      const stored = certificate[half];
      if (stored === null) continue;
      const candidates = index.candidates(certificate, stored, certificate.alt !== null);
      for (const bundle of candidates) wanted.add(bundle.id);
      const best = decide(input, plan, certificate, half, stored, candidates, taken);
      if (half === 'main') completeTwins(input, plan, index, certificate, best);
    }
  }
  const isUnclaimed = (bundle: SourcedBundle) => {
    // What is asked for by name gets a certificate of its own though others could have its leaf, too.
    if (bundle.hosts !== undefined && bundle.create) return !input.certificates.has(certificateIdOf(bundle));
    return !wanted.has(bundle.id) && !plan.inSync.has(bundle.id);
  };
  const placed = new Set<SourcedBundle>();
  for (const bundle of index.newestFirst(isUnclaimed)) {
    if (placed.has(bundle)) continue;
    for (const change of planUnclaimed(input, plan, index, bundle, taken)) placed.add(change.bundle);
  }
  for (const id of plan.inSync.keys()) plan.refused.delete(id);
  return plan;
}

/** @returns what the half has or gets; null: it stays as it is, and no bundle has it */
function decide(
  input: PlanInput,
  plan: Plan,
  certificate: StoredCertificate,
  half: Half,
  stored: StoredHalf,
  candidates: readonly SourcedBundle[],
  taken: ReadonlyMap<string, string>,
): SourcedBundle | null {
  const isControllers =
    certificate.owner === 'ingress_controller' || candidates[0]?.secret?.uid === certificate.id;
  const refuse = (bundle: SourcedBundle, why: Refusal) => {
    if (!plan.refused.has(bundle.id)) plan.refused.set(bundle.id, why);
    note(plan, bundle, certificate, half);
  };
  // Of RSA and ECDSA side by side, one that is broken for a while must not push out the type that it stands for.
  const keptType = stored.leaf !== null && stored.leaf.notAfter > input.now ? stored.leaf.keyType : null;
  let isKept = input.broken?.some((bundle) => isChainOf(bundle, stored.chain)) ?? false;
  for (const bundle of candidates) {
    if (isKept && keptType !== null && bundle.leaf.keyType !== keptType) continue;
    const addSnis = missingSnis(bundle, certificate, taken);
    const isSameText = bundle.content === stored.content;
    const isSame = isSameText || (isChainOf(bundle, stored.chain) && !input.barred.has(bundle.id));
    if (isSame && addSnis.length === 0) {
      if (!isSameText) plan.unchecked.push(bundle);
      plan.inSync.set(bundle.id, [...(plan.inSync.get(bundle.id) ?? []), certificate.id]);
      return bundle;
    }
    const why =
      input.barred.get(bundle.id) ??
      checkShape(bundle, input.now, certificate.snis.length > 0) ??
      checkTarget(bundle, certificate, stored) ??
      (input.allowDowngrade ? null : checkAge(bundle, certificate, stored));
    if (why === null) {
      plan.changes.push({ kind: 'update', bundle, certificate, half, isControllers, addSnis });
      return bundle;
    }
    refuse(bundle, why);
    if (bundle.leaf.keyType === keptType) isKept = true;
  }
  return null;
}

function note(plan: Plan, { id }: SourcedBundle, certificate: StoredCertificate, half: Half): void {
  const meant = { certificate: certificate.id, half };
  plan.meant.set(id, [...(plan.meant.get(id) ?? []), meant]);
}

/** What forbids to write this bundle to this certificate, whatever the bundle's own state. */
function checkTarget(
  bundle: SourcedBundle,
  certificate: StoredCertificate,
  stored: StoredHalf,
): Refusal | null {
  const { id, snis } = certificate;
  if (stored.vaultReference) {
    return refusal('vault_reference', `certificate ${id} in Kong is a vault reference; its vault renews it`);
  }
  const unfit = checkUsage(bundle, snis);
  if (unfit !== null) return unfit;
  const uncovered = snis.filter((sni) => !coversSni(bundle.leaf.names, sni));
  if (uncovered.length === 0) return null;
  return refusal(
    'names_not_covered',
    `${bundle.location} does not cover ${uncovered.join(', ')}, which certificate ${id} in Kong serves; issue it with every name, or remove the SNI in Kong`,
  );
}

/** A certificate without SNIs is one that Kong shows as a client. */
function checkUsage(bundle: SourcedBundle, snis: readonly string[]): Refusal | null {
  if (snis.length === 0 || isForServers(bundle)) return null;
  return refusal(
    'not_for_servers',
    `${bundle.location} is not for servers (key usage, extended key usage); issue it with digitalSignature and serverAuth`,
  );
}

function checkAge(bundle: SourcedBundle, { id }: StoredCertificate, { leaf }: StoredHalf): Refusal | null {
  if (leaf === null || compareAge(bundle.leaf, leaf) >= 0) return null;
  return refusal(
    'older_than_stored',
    `${bundle.location} is older (valid from ${new Date(bundle.leaf.notBefore).toISOString()}) than certificate ${id} in Kong; set allow_downgrade to take it all the same`,
  );
}

/** Names that a renewed certificate of ours gained and that nobody else serves. */
function missingSnis(
  bundle: SourcedBundle,
  certificate: StoredCertificate,
  taken: ReadonlyMap<string, string>,
): string[] {
  if (certificate.owner !== 'us' || certificate.id !== certificateIdOf(bundle)) return [];
  return snisOf(bundle).filter((name) => !taken.has(name));
}

/** The SNIs of a certificate that is created for a bundle. */
function snisOf({ leaf, hosts, snis }: SourcedBundle): readonly string[] {
  return (
    snis ?? asSnis(hosts === undefined ? leaf.names : hosts.filter((host) => coversSni(leaf.names, host)))
  );
}

/** A bundle that no certificate asks for: create one where that is wanted, else say why not. */
function planUnclaimed(
  input: PlanInput,
  plan: Plan,
  index: BundleIndex,
  bundle: SourcedBundle,
  taken: Map<string, string>,
): Change[] {
  const asked = snisOf(bundle);
  // Who asks for single hosts gets those that are free; else a certificate is created whole or not at all.
  const free = bundle.hosts === undefined ? [] : asked.filter((name) => !taken.has(name));
  if (bundle.hosts !== undefined && free.length === 0 && plan.inSync.has(bundle.id)) return [];
  const snis = free.length > 0 ? free : asked;
  const conflict = snis.map((sni) => taken.get(sni)).find((id) => id !== undefined);
  const certificate = conflict === undefined ? undefined : input.certificates.get(conflict);
  if (certificate !== undefined) {
    const isMeant = bundle.snis === undefined && isForServers(bundle);
    const why = isMeant ? checkTarget(bundle, certificate, certificate.main) : null;
    if (why === null) plan.unused.push(bundle.id);
    else {
      plan.refused.set(bundle.id, why);
      note(plan, bundle, certificate, 'main');
    }
    return [];
  }
  // A conflict that is no certificate yet: another bundle of this plan, a newer one, is about to get the name.
  if (conflict !== undefined || !bundle.create || bundle.hosts?.length === 0) {
    // Kong has it without a certificate of its own: nobody has to be told that none asks for it.
    const isAside = bundle.snis === undefined ? index.isOfKong(bundle) : !bundle.create;
    (isAside ? plan.aside : plan.unused).push(bundle.id);
    return [];
  }
  const why =
    input.barred.get(bundle.id) ??
    checkShape(bundle, input.now) ??
    (snis.length > 0 ? checkUsage(bundle, snis) : noNames(bundle));
  if (why !== null) {
    plan.refused.set(bundle.id, why);
    return [];
  }
  const changes = withTwin(input, plan, index, bundle, snis);
  plan.refused.delete(bundle.id);
  for (const sni of snis) taken.set(sni, changeId(changes[0]));
  plan.changes.push(...changes);
  return changes;
}

function noNames({ location, hosts }: SourcedBundle): Refusal {
  return hosts === undefined
    ? refusal('no_names', `${location} names no host; give it a subjectAltName of type DNS`)
    : refusal(
        'names_not_covered',
        `${location} is asked for ${hosts.join(', ')} and covers none of that; issue it with these names`,
      );
}
