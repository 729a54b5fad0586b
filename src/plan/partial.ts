import type { SourcedBundle, StoredCertificate } from '../model';
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
  for (const name of bundle.leaf.names) {
    const holder = world.holders.get(name);
    if (holder !== undefined && noteOf(world, mains, bundle, holder)) return;
  }
}

/**
 * Notes bundles that other certificates have or get, too, once a certificate that they lack a name of is due: nothing
 * else would tell that it goes without a renewal.
 */
export function noteLeftBehind(world: World, mains: Mains): void {
  const { certificates, index, plan, now } = world;
  for (const certificate of certificates.values()) {
    const { id, owner, snis, main } = certificate;
    const { leaf, vaultReference } = main;
    if (owner !== 'other' || vaultReference || !world.isValid(leaf) || mains.get(id)?.bundle != null)
      continue;
    const bundles = snis.flatMap((sni) => index.named(sni)).filter((one) => !plan.refused.has(one.id));
    if (bundles.length > 0) world.due(dueOf(leaf));
    if (now >= dueOf(leaf)) for (const bundle of new Set(bundles)) noteOf(world, mains, bundle, certificate);
  }
}

/** @returns whether there is something to note about the two */
function noteOf(world: World, mains: Mains, bundle: SourcedBundle, holder: StoredCertificate): boolean {
  if (bundle.snis !== undefined || !isForServers(bundle) || world.unfit(bundle) !== null) return false;
  if (mains.get(holder.id)?.bundle != null) return false;
  const { leaf } = holder.main;
  const missing = holder.snis.filter((sni) => !covers(bundle.leaf, sni));
  if (missing.length === 0 || (leaf !== null && isOlder(bundle.leaf, leaf))) return false;
  const isUsedLater =
    bundle.create && isFromOperator(bundle) && holder.owner === 'other' && !world.hasController;
  const until = isUsedLater && world.isValid(leaf) ? endOf(leaf) : null;
  world.refuse(bundle, namesNotCovered(bundle, holder, missing, until), holder, 'main');
  return true;
}
