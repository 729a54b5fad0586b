import { asSnis } from '../certificates';
import { ownerOf, type SourcedBundle } from '../model';
import { covers, wildcardOf } from './names';
import { byPlace, isFromOperator } from './ranking';
import type { World } from './world';

const asked = new WeakMap<SourcedBundle, readonly string[]>();

/** SNIs of a certificate to create for a bundle; cached, since bundles live from pass to pass. */
export function snisOf(bundle: SourcedBundle): readonly string[] {
  const known = asked.get(bundle);
  if (known !== undefined) return known;
  const names = namesFor(bundle);
  asked.set(bundle, names);
  return names;
}

function namesFor({ leaf, hosts, snis }: SourcedBundle): readonly string[] {
  return snis ?? asSnis(hosts === undefined ? leaf.names : hosts.filter((host) => covers(leaf, host)));
}

/**
 * Ranks the bundles that want the same name: the operator's own first, then those that lead to a root that is
 * public or the operator's, then all others, since everybody can make a CA; among equals the oldest place.
 */
export class Claimants {
  /** Tenants' bundles that want a name which another tenant wants, too. */
  readonly #contested: ReadonlySet<SourcedBundle>;
  readonly #tiers = new Map<SourcedBundle, number>();

  constructor(
    private readonly world: World,
    bundles: readonly SourcedBundle[],
  ) {
    this.#contested = contested(
      bundles.filter((bundle) => !isFromOperator(bundle)),
      world,
    );
  }

  readonly compare = (a: SourcedBundle, b: SourcedBundle): number =>
    (this.#contested.size === 0 ? 0 : this.tier(a) - this.tier(b)) || byPlace(a, b);

  /** Whether a signature must be checked before its rank is known; until then its names are given to nobody. */
  isOpen(bundle: SourcedBundle): boolean {
    return this.#contested.has(bundle) && this.world.isTrusted(bundle) === undefined;
  }

  private tier(bundle: SourcedBundle): number {
    const known = this.#tiers.get(bundle);
    if (known !== undefined) return known;
    const isTrusted = () => !this.#contested.has(bundle) || this.world.isTrusted(bundle) === true;
    const tier = isFromOperator(bundle) ? 0 : isTrusted() ? 1 : 2;
    this.#tiers.set(bundle, tier);
    return tier;
  }
}

/** Bundles of several owners that want one name, or the wildcard above it. Copies of one key pair do not compete. */
function contested(bundles: readonly SourcedBundle[], world: World): Set<SourcedBundle> {
  if (bundles.length < 2) return new Set();
  const { holders } = world;
  const first = new Map<string, SourcedBundle>();
  const disputed = new Set<string>();
  const dispute = (name: string, other: SourcedBundle | undefined, bundle: SourcedBundle) => {
    if (other === undefined || other.content === bundle.content || ownerOf(other) === ownerOf(bundle))
      return false;
    disputed.add(name);
    return true;
  };
  for (const bundle of bundles) {
    for (const name of snisOf(bundle)) {
      if (holders.has(name)) continue;
      dispute(name, first.get(name), bundle);
      if (!first.has(name)) first.set(name, bundle);
    }
  }
  for (const bundle of bundles) {
    for (const name of snisOf(bundle)) {
      const wildcard = wildcardOf(name);
      if (wildcard !== null && dispute(wildcard, first.get(wildcard), bundle)) disputed.add(name);
    }
  }
  return new Set(
    disputed.size === 0 ? [] : bundles.filter((bundle) => snisOf(bundle).some((name) => disputed.has(name))),
  );
}
