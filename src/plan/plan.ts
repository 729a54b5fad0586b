import type { Change, Half, Plan, Reason, StoredCertificate } from '../model';
import { isLeftOver } from './claims';
import { decideHalf, type Decision } from './decide';
import { handOver } from './handover';
import { giveBackLostNames } from './lost-names';
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
 * Decides what to write; pure. Which bundle a certificate in Kong may get:
 * 1. identity: certificates of the ingress controller follow their Secret, ours the bundle that they were created for;
 * 2. homes: the places whose content Kong has or had, as long as something valid is there;
 * 3. continuity: without a home, a bundle that covers the SNIs and is proven to be of the same issuer, or of a trusted
 *    one, or is in a place of the operator's own.
 *
 * Names that no certificate has are assigned one by one. Bundles of one name and two types of key become the two halves
 * of a certificate of ours; certificates of others keep their halves.
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
  }
  giveBackLostNames(world, mains);
  handOver(world, mains);
  new Naming(world, mains, livingAlts).run();
  noteObsolete(world);
  plan.isBesideController = world.hasController;
  asStored(plan, input.certificates);
  followSplits(plan.changes);
  for (const id of plan.inSync.keys()) if (!leavesOneBehind(plan, mains, id)) plan.refused.delete(id);
  for (const { bundle } of plan.changes) {
    const why = plan.refused.get(bundle.id);
    if (why !== undefined && OF_ONE_CERTIFICATE.has(why.reason) && !leavesOneBehind(plan, mains, bundle.id))
      plan.refused.delete(bundle.id);
  }
  return plan;
}

/** Whether a certificate goes without a renewal because the bundle, which another one gets, lacks names of it. */
function leavesOneBehind(
  { refused, meant }: Plan,
  mains: ReadonlyMap<string, Decision>,
  bundle: string,
): boolean {
  if (refused.get(bundle)?.reason !== 'names_not_covered') return false;
  return (meant.get(bundle) ?? []).some(({ certificate }) => mains.get(certificate)?.bundle === null);
}

function decide(world: World, certificate: StoredCertificate, half: Half): Decision {
  const decision = decideHalf(world, certificate, half);
  if (decision.change !== null) world.plan.changes.push(decision.change);
  if (decision.bundle !== null) world.use(decision.bundle, certificate);
  return decision;
}

/** Certificates that gain no name are removed; changes planned for them are dropped. */
function noteObsolete(world: World): void {
  const { certificates, plan } = world;
  const obsolete = new Set<StoredCertificate>();
  for (const one of certificates.values()) if (isObsolete(world, one)) obsolete.add(one);
  if (obsolete.size === 0) return;
  for (const change of plan.changes)
    if (change.kind === 'update' && change.addSnis.length + (change.moveSnis?.length ?? 0) > 0)
      obsolete.delete(change.certificate);
  plan.changes = plan.changes.filter(
    (change) => change.kind === 'create' || !obsolete.has(change.certificate),
  );
  plan.obsolete.push(...obsolete);
}

/** Whether a certificate of ours serves nobody any more: it holds no name, or kept one until its end. */
function isObsolete(world: World, certificate: StoredCertificate): boolean {
  const { owner, clients = [], main, isPrevious } = certificate;
  if (isLeftOver(world, certificate)) return true;
  if (owner !== 'us' || isPrevious !== true || clients.length > 0) return false;
  if (main.leaf !== null) world.due(main.leaf.notAfter);
  return main.leaf !== null && main.leaf.notAfter <= world.now;
}

/** Replaces normalized SNIs in changes by their spelling in Kong. */
function asStored(plan: Plan, certificates: PlanInput['certificates']): void {
  const spelt = (id: string, name: string) =>
    certificates.get(id)?.snis.find((sni) => sni === name || normal(sni) === name) ?? name;
  for (const change of plan.changes) {
    if (change.moveSnis !== undefined)
      change.moveSnis = change.moveSnis.map((move) => ({ ...move, name: spelt(move.from, move.name) }));
    if (change.kind === 'create') continue;
    const { id } = change.certificate;
    if (change.split !== undefined)
      change.split = { ...change.split, snis: change.split.snis.map((name) => spelt(id, name)) };
    change.certificate = certificates.get(id) ?? change.certificate;
  }
  plan.obsolete = plan.obsolete.map((one) => certificates.get(one.id) ?? one);
}

/** Where an earlier change of the batch splits a name off, a later move takes it from the new certificate. */
function followSplits(changes: readonly Change[]): void {
  const placed = new Map<string, string>();
  const moved = new Set<string>();
  for (const change of changes) {
    if (change.moveSnis !== undefined)
      change.moveSnis = change.moveSnis.map((move) => ({
        ...move,
        from: placed.get(move.name) ?? move.from,
      }));
    for (const { name } of change.moveSnis ?? []) moved.add(name);
    if (change.kind === 'create' || change.split === undefined) continue;
    for (const name of change.split.snis) if (!moved.has(name)) placed.set(name, change.split.id);
  }
}
