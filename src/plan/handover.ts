import { isPattern } from '../certificates';
import { ownerOf, type Change, type SniMove, type SourcedBundle, type StoredCertificate } from '../model';
import { claimsOf, refusedByContinuity } from './claims';
import type { Decision } from './decide';
import { covers } from './names';
import { isFromOperator } from './ranking';
import { mayBlockController, nameOfAnother } from './sentences';
import type { World } from './world';

/**
 * Hands over names of certificates of ours that a resource of the cluster requests: as long as ours have them, the
 * ingress controller fails with its own. Each name goes to the certificate that the controller makes of the Secret
 * (created if missing), so that one of the two serves it at any moment. Without a database nothing blocks: the
 * controller's next push replaces everything. Requesting another owner's name does not suffice to get it.
 */
export function handOver(world: World, mains: ReadonlyMap<string, Decision>): void {
  const { certificates, index, input, plan } = world;
  const { asked = null, keepsOthers = false } = input.controller ?? {};
  if (!world.hasController || !keepsOthers) return;
  if (asked === null) sayWhatMayBlock(world, mains);
  if (asked === null || asked.size === 0) return;
  const moves = new Map<SourcedBundle, SniMove[]>();
  for (const ours of certificates.values()) {
    const { id, owner } = ours;
    if (owner !== 'us') continue;
    for (const name of ours.snis) {
      const bundle = index.secretNamed(asked.get(name) ?? '');
      if (bundle === undefined || !covers(bundle.leaf, name) || world.unfit(bundle) !== null) continue;
      const isAllowed = mayHave(world, bundle, ours, name);
      if (isAllowed === false) world.refuse(bundle, nameOfAnother(bundle, [name], null), ours, 'main');
      if (isAllowed !== true) continue;
      const known = moves.get(bundle);
      if (known === undefined) moves.set(bundle, [{ name, from: id }]);
      else known.push({ name, from: id });
    }
  }
  for (const [bundle, moveSnis] of moves) {
    const id = bundle.secret?.uid ?? '';
    const certificate = certificates.get(id);
    const common = { bundle, moveSnis, handsOver: true } as const;
    const change: Change =
      certificate === undefined
        ? { kind: 'create', id, snis: [], ...common }
        : { kind: 'update', certificate, half: 'main', isOfController: true, addSnis: [], ...common };
    // A renewal of that certificate goes first, in its own time.
    if (mains.get(id)?.change == null) plan.changes.push(change);
  }
}

/** Without the right to see who asks for names nothing is handed over; that is said of each Secret. */
function sayWhatMayBlock({ certificates, plan }: World, mains: ReadonlyMap<string, Decision>): void {
  for (const { id, owner, snis } of certificates.values()) {
    const bundle = owner === 'us' && snis.length > 0 ? mains.get(id)?.bundle : null;
    if (bundle?.secret !== undefined) plan.notes.set(bundle.id, mayBlockController(bundle, snis));
  }
}

/**
 * Whether the requested bundle may have the name: it belongs to the same owner, or outranks ours by a trusted CA;
 * an older resource is no right to a name. Undefined: a question is open.
 */
function mayHave(
  world: World,
  bundle: SourcedBundle,
  ours: StoredCertificate,
  name: string,
): boolean | undefined {
  const halves = ours.alt === null ? (['main'] as const) : (['main', 'alt'] as const);
  const claims = halves.map((half) => claimsOf(world, ours, half));
  const homes = claims.flatMap((one) => one.homes);
  const owner = ownerOf(bundle);
  if (isFromOperator(bundle) || homes.includes(bundle)) return true;
  if (homes.length > 0 && homes.every((home) => ownerOf(home) === owner)) return true;
  // No CA vouches for a pattern, such as `*` of a Gateway listener without a hostname.
  if (isPattern(name)) return false;
  const isTrusted = world.isTrusted(bundle);
  if (isTrusted !== false || claims.some(({ isHeld }) => isHeld)) return isTrusted;
  const why = refusedByContinuity(world, bundle, ours, 'main');
  return why === undefined ? undefined : why === null;
}
