import { asSnis, checkShape, coversSni } from '../certificates';
import {
  isChainOf,
  refusal,
  type Half,
  type Plan,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { compareAge } from './age';
import { BundleIndex, certificateIdOf } from './bundle-index';

export interface PlanInput {
  /** Every bundle that was understood. */
  bundles: Iterable<SourcedBundle>;
  certificates: ReadonlyMap<string, StoredCertificate>;
  /** Milliseconds since the epoch. */
  now: number;
  allowDowngrade: boolean;
  /** Bundles that must not be tried (again) as they are, by bundle id: refused by the gate, Kong or a handshake. */
  barred: ReadonlyMap<string, Refusal>;
}

/**
 * Decides what to do; pure. Every certificate in Kong is given the best bundle that it can have:
 *
 * 1. the bundle it was created for (deterministic id),
 * 2. else bundles whose names cover all of its SNIs, those with the same names as its present leaf first.
 *
 * Among equals the newest wins, and on a tie the one that Kong already has.
 */
export function makePlan(input: PlanInput): Plan {
  const index = new BundleIndex(input.bundles);
  const plan: Plan = { changes: [], refused: new Map(), inSync: new Map(), unchecked: [], unused: [] };
  const wanted = new Set<string>();
  const taken = new Map<string, string>();
  for (const certificate of input.certificates.values()) {
    for (const sni of certificate.snis) taken.set(sni, certificate.id);
  }

  for (const certificate of input.certificates.values()) {
    for (const half of ['main', 'alt'] as const) {
      const stored = certificate[half];
      if (stored === null) continue;
      const candidates = index.candidates(certificate, stored, certificate.alt !== null);
      for (const bundle of candidates) wanted.add(bundle.id);
      decide(input, plan, certificate, half, stored, candidates, taken);
    }
  }
  const isUnclaimed = (bundle: SourcedBundle) => !wanted.has(bundle.id) && !plan.inSync.has(bundle.id);
  for (const bundle of index.newestFirst(isUnclaimed)) planUnclaimed(input, plan, bundle, taken);
  for (const id of plan.inSync.keys()) plan.refused.delete(id);
  return plan;
}

function decide(
  input: PlanInput,
  plan: Plan,
  certificate: StoredCertificate,
  half: Half,
  stored: StoredHalf,
  candidates: readonly SourcedBundle[],
  taken: ReadonlyMap<string, string>,
): void {
  const isControllers =
    certificate.owner === 'ingress_controller' || candidates[0]?.secret?.uid === certificate.id;
  const refuse = (bundle: SourcedBundle, why: Refusal) => {
    if (!plan.refused.has(bundle.id)) plan.refused.set(bundle.id, why);
  };
  for (const bundle of candidates) {
    const addSnis = missingSnis(bundle, certificate, taken);
    const isSameText = bundle.content === stored.content;
    const isSame = isSameText || (isChainOf(bundle, stored.chain) && !input.barred.has(bundle.id));
    if (isSame && addSnis.length === 0) {
      if (!isSameText) plan.unchecked.push(bundle);
      plan.inSync.set(bundle.id, [...(plan.inSync.get(bundle.id) ?? []), certificate.id]);
      return;
    }
    const why =
      input.barred.get(bundle.id) ??
      checkShape(bundle, input.now) ??
      checkTarget(bundle, certificate, stored) ??
      (input.allowDowngrade ? null : checkAge(bundle, certificate, stored));
    if (why === null) {
      plan.changes.push({ kind: 'update', bundle, certificate, half, isControllers, addSnis });
      return;
    }
    refuse(bundle, why);
  }
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
  const uncovered = snis.filter((sni) => !coversSni(bundle.leaf.names, sni));
  if (uncovered.length === 0) return null;
  return refusal(
    'names_not_covered',
    `${bundle.location} does not cover ${uncovered.join(', ')}, which certificate ${id} in Kong serves; issue it with every name, or remove the SNI in Kong`,
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
  return asSnis(bundle.leaf.names).filter((name) => !taken.has(name));
}

/** A bundle that no certificate asks for: create one where that is wanted, else say why not. */
function planUnclaimed(
  input: PlanInput,
  plan: Plan,
  bundle: SourcedBundle,
  taken: Map<string, string>,
): void {
  const snis = asSnis(bundle.leaf.names);
  const conflict = snis.map((sni) => taken.get(sni)).find((id) => id !== undefined);
  const certificate = conflict === undefined ? undefined : input.certificates.get(conflict);
  if (certificate !== undefined) {
    const why = checkTarget(bundle, certificate, certificate.main);
    if (why === null) plan.unused.push(bundle.id);
    else plan.refused.set(bundle.id, why);
    return;
  }
  // A conflict that is no certificate yet: another bundle of this plan, a newer one, is about to get the name.
  if (conflict !== undefined || !bundle.create) {
    plan.unused.push(bundle.id);
    return;
  }
  const why =
    input.barred.get(bundle.id) ??
    checkShape(bundle, input.now) ??
    (snis.length > 0
      ? null
      : refusal('no_names', `${bundle.location} names no host; give it a subjectAltName of type DNS`));
  if (why !== null) {
    plan.refused.set(bundle.id, why);
    return;
  }
  const id = certificateIdOf(bundle);
  for (const sni of snis) taken.set(sni, id);
  plan.changes.push({ kind: 'create', bundle, id, snis });
}
