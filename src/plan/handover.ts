import type { Change, SniMove, SourcedBundle } from '../model';
import type { Decision } from './decide';
import { covers } from './names';
import type { World } from './world';

/**
 * Names of certificates of ours that a resource of the cluster asks for: the ingress controller fails with its own as long
 * as ours have them. Each goes to the certificate that the controller makes of the Secret, which is made where it is not
 * there, so that a name is served by the one or by the other at any moment. Without a database nothing blocks: the
 * controller's next push replaces everything.
 */
export function handOver(world: World, mains: ReadonlyMap<string, Decision>): void {
  const { certificates, index, input, plan } = world;
  const { asked = null, keepsOthers = false } = input.controller ?? {};
  if (!world.hasController || !keepsOthers || asked === null || asked.size === 0) return;
  const moves = new Map<SourcedBundle, SniMove[]>();
  for (const { id, owner, snis } of certificates.values()) {
    if (owner !== 'us') continue;
    for (const name of snis) {
      const bundle = index.secretNamed(asked.get(name) ?? '');
      if (bundle === undefined || !covers(bundle.leaf, name) || world.unfit(bundle) !== null) continue;
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
        : { kind: 'update', certificate, half: 'main', isControllers: true, addSnis: [], ...common };
    // A renewal of that certificate goes first, in its own time.
    if (mains.get(id)?.change == null) plan.changes.push(change);
  }
}
