import type { SourcedBundle } from '../model';
import { isForServers } from './bundle-index';
import type { Decision } from './decide';
import { dueOf, endOf, isOlder } from './leaf-times';
import { covers } from './names';
import { isFromOperator } from './ranking';
import { namesNotCovered } from './sentences';
import type { World } from './world';

type Mains = ReadonlyMap<string, Decision>;

/** Notes a newer bundle with some of the names of a certificate that no bundle renews. */
export function notePartial(world: World, mains: Mains, bundle: SourcedBundle): void {
  if (bundle.snis !== undefined || !isForServers(bundle) || world.unfit(bundle) !== null) return;
  for (const name of bundle.leaf.names) {
    const holder = world.holders.get(name);
    if (holder === undefined || mains.get(holder.id)?.bundle != null) continue;
    const { leaf } = holder.main;
    const missing = holder.snis.filter((sni) => !covers(bundle.leaf, sni));
    if (missing.length === 0 || (leaf !== null && isOlder(bundle.leaf, leaf))) continue;
    const isUsedLater =
      bundle.create && isFromOperator(bundle) && holder.owner === 'other' && !world.hasController;
    const until = isUsedLater && world.isValid(leaf) ? endOf(leaf) : null;
    world.refuse(bundle, namesNotCovered(bundle, holder, missing, until), holder, 'main');
    return;
  }
}

/**
 * Notes bundles that other certificates have or get, too, once a certificate that they lack a name of is due: nothing
 * else would tell that it goes without a renewal.
 */
export function noteLeftBehind(world: World, mains: Mains): void {
  const { certificates, index, plan, now } = world;
  for (const { id, owner, snis, main } of certificates.values()) {
    const { leaf, vaultReference } = main;
    if (owner !== 'other' || vaultReference || !world.isValid(leaf) || mains.get(id)?.bundle != null)
      continue;
    const bundles = snis.flatMap((sni) => index.named(sni)).filter((one) => !plan.refused.has(one.id));
    if (bundles.length > 0) world.due(dueOf(leaf));
    if (now >= dueOf(leaf)) for (const bundle of new Set(bundles)) notePartial(world, mains, bundle);
  }
}
