import type { Half, Plan, Reason, StoredCertificate } from '../model';
import { decideHalf, type Decision } from './decide';
import { handOver } from './handover';
import { normal } from './names';
import { Naming } from './naming';
import { completeTwins } from './twins';
import { World, type PlanInput } from './world';

/** Reasons that do not matter for a bundle that another certificate gets. */
const OF_ONE_CERTIFICATE: ReadonlySet<Reason> = new Set([
  'older_than_stored',
  'name_of_another',
  'names_not_covered',
]);

/**
 * Decides what to do; pure. Which bundle may have which certificate in Kong:
 *
 * 1. identity: the ingress controller's certificates follow their Secret, ours the bundle that they were created for;
 * 2. homes: the places whose content Kong has or had, so long as something valid is there;
 * 3. continuity: without a home, what covers the SNIs and is proven to be of the same issuer, or of a trusted one, or
 *    stands in a place of the operator's own.
 *
 * Names that nobody has are given out one by one. Bundles of one name and two types of key become the two halves of a
 * certificate that is ours; somebody else's certificate keeps the halves it has.
 */
export function makePlan(input: PlanInput): Plan {
  const world = new World(input);
  const { plan } = world;
  const mains = new Map<string, Decision>();
  const livingAlts = new Set<string>();
  for (const certificate of world.certificates.values()) {
    const main = decide(world, certificate, 'main');
    mains.set(certificate.id, main);
    if (certificate.alt !== null && decide(world, certificate, 'alt').bundle !== null)
      livingAlts.add(certificate.id);
    if (certificate.alt === null && certificate.owner === 'us')
      completeTwins(world, certificate, main.bundle);
    if (isObsolete(world, certificate)) plan.obsolete.push(certificate);
  }
  handOver(world, mains);
  new Naming(world, mains, livingAlts).run();
  plan.isBesideController = world.hasController;
  asStored(plan, input.certificates);
  for (const id of plan.inSync.keys()) plan.refused.delete(id);
  for (const { bundle } of plan.changes) {
    const why = plan.refused.get(bundle.id);
    if (why !== undefined && OF_ONE_CERTIFICATE.has(why.reason)) plan.refused.delete(bundle.id);
  }
  return plan;
}

function decide(world: World, certificate: StoredCertificate, half: Half): Decision {
  const decision = decideHalf(world, certificate, half);
  if (decision.change !== null) world.plan.changes.push(decision.change);
  if (decision.bundle !== null) world.use(decision.bundle, certificate);
  return decision;
}

/** One of ours that serves nobody any more: it kept names for which there was no renewal, or handed them over. */
function isObsolete(
  world: World,
  { owner, snis, clients = [], main, isPrevious }: StoredCertificate,
): boolean {
  if (owner !== 'us' || clients.length > 0) return false;
  if (isPrevious !== true) return snis.length === 0 && world.hasController;
  if (main.leaf !== null) world.due(main.leaf.notAfter);
  return snis.length === 0 || (main.leaf !== null && main.leaf.notAfter <= world.now);
}

/** Changes name what Kong has as it is stored there. */
function asStored(plan: Plan, certificates: PlanInput['certificates']): void {
  const spelt = (id: string, name: string) =>
    certificates.get(id)?.snis.find((sni) => sni === name || normal(sni) === name) ?? name;
  for (const change of plan.changes) {
    if (change.moveSnis !== undefined)
      change.moveSnis = change.moveSnis.map(({ name, from }) => ({ name: spelt(from, name), from }));
    if (change.kind === 'create') continue;
    const { id } = change.certificate;
    if (change.split !== undefined)
      change.split = { ...change.split, snis: change.split.snis.map((name) => spelt(id, name)) };
    change.certificate = certificates.get(id) ?? change.certificate;
  }
  plan.obsolete = plan.obsolete.map((one) => certificates.get(one.id) ?? one);
}
