import { ownerOf, type SourcedBundle, type StoredCertificate } from '../model';
import { snisOf } from './claimants';
import { claimsOf, outranks, refusedByContinuity } from './claims';
import { endOf } from './leaf-times';
import { includesName, wildcardOf } from './names';
import { isFromOperator } from './ranking';
import type { World } from './world';

/**
 * Whether a name that no certificate has belongs to another owner: it has a home that still wants it, or is covered
 * by a wildcard of another owner.
 * @param given names that this plan has assigned so far
 */
export function belongsToAnother(
  world: World,
  given: ReadonlyMap<string, SourcedBundle>,
  bundle: SourcedBundle,
  name: string,
): boolean {
  const homes = world.input.homes?.ofName(name) ?? [];
  const isMine = homes.includes(bundle.id);
  if (!isMine && homes.some((place) => isWanted(world, bundle, place, name))) return true;
  if (isFromOperator(bundle)) return false;
  return wildcardsOf(name).some((wildcard) => isUnder(world, given, bundle, wildcard, isMine));
}

/** Kong's wildcards and patterns that cover a host; `*` is left out, it covers unknown names only. */
export function wildcardsOf(name: string): string[] {
  const dot = name.lastIndexOf('.');
  const pattern = dot > 0 ? [`${name.slice(0, dot)}.*`] : [];
  return [wildcardOf(name) ?? [], pattern].flat();
}

/** Whether a name's home would get it now, in competition with this bundle. */
function isWanted(world: World, bundle: SourcedBundle, place: string, name: string): boolean {
  const home = world.index.byId(place, name);
  if (home?.create !== true || !includesName(snisOf(home), name)) return false;
  if (world.unfit(home) !== null || outranks(world, bundle, home)) return false;
  world.due(endOf(home.leaf));
  return true;
}

/** @param isMine the bundle had the very name, so it takes nothing from a wildcard when all names are assigned anew */
function isUnder(
  world: World,
  given: ReadonlyMap<string, SourcedBundle>,
  bundle: SourcedBundle,
  wildcard: string,
  isMine: boolean,
): boolean {
  const rival = given.get(wildcard);
  if (rival !== undefined)
    return ownerOf(rival) !== ownerOf(bundle) && (!isMine || outranks(world, rival, bundle));
  const holder = world.holders.get(wildcard);
  if (holder !== undefined) return !maySlipUnder(world, bundle, holder, wildcard);
  const homes = isMine ? [] : (world.input.homes?.ofName(wildcard) ?? []);
  return homes.some((place) => {
    const home = world.index.byId(place, wildcard);
    const isOwn = home !== undefined && ownerOf(home) === ownerOf(bundle);
    return !isOwn && isWanted(world, bundle, place, wildcard);
  });
}

function maySlipUnder(
  world: World,
  bundle: SourcedBundle,
  holder: StoredCertificate,
  wildcard: string,
): boolean {
  const { homes, isHeld } = claimsOf(world, holder, 'main');
  if (homes.some((home) => ownerOf(home) === ownerOf(bundle))) return true;
  const rivals = homes.filter((home) => includesName(home.leaf.names, wildcard));
  if (rivals.length > 0 && rivals.every((home) => outranks(world, bundle, home))) return true;
  const isClaimed = isHeld && (rivals.length > 0 || homes.length === 0);
  return !isClaimed && refusedByContinuity(world, bundle, holder, 'main') === null;
}
