import {
  isChainOf,
  type CertificateInfo,
  type Half,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { dueOf, isOlder, overdueOf } from './leaf-times';
import { coverage, covers, sameNames } from './names';
import { byPlace, isOperators, looksIssuedAlike, ownerOf } from './ranking';
import { issuerChanged } from './sentences';
import type { World } from './world';

/** Who may renew one half of a certificate. */
export interface Claims {
  /** The places whose content Kong has or had, as far as they are bundles now; the certificate's own first. */
  homes: readonly SourcedBundle[];
  /** Of those, the ones that Kong has now, in the same order. */
  present: readonly SourcedBundle[];
  /** A home holds something valid, or what Kong has from it still is: nobody else may. */
  isHeld: boolean;
}

/** The bundle whose certificate this is by its id, whatever is in it. */
export function ownBundle({ index }: World, { id, owner }: StoredCertificate): SourcedBundle | undefined {
  return owner === 'us' ? index.byCertificateId(id) : undefined;
}

export function claimsOf(world: World, certificate: StoredCertificate, half: Half): Claims {
  const { index, input } = world;
  const stored = certificate[half];
  if (stored === null) return { homes: [], present: [], isHeld: false };
  const own = ownBundle(world, certificate);
  const having = index
    .having(stored)
    .filter(({ id, content }) => content === stored.content || !input.barred.has(id));
  const broken = index.brokenHaving(stored);
  const places = placesOf(world, certificate, half, having, broken);
  // A place whose chain was completed is a home of what Kong has without it, and has news for it.
  const isControllers = certificate.owner === 'ingress_controller';
  const present = having.filter(
    (bundle) => bundle.content === stored.content || isChainOf(bundle, stored.chain, isControllers),
  );
  // Of two halves each follows the places with its own type of key.
  const isOfHalf = ({ leaf }: SourcedBundle) =>
    certificate.alt === null || leaf.keyType === stored.leaf?.keyType;
  const found = places.flatMap((place) => index.byId(place) ?? []);
  const homes = own === undefined ? found : [own, ...found.filter((bundle) => bundle !== own)];
  const isValid = world.isValid(stored.leaf);
  const isAway = (place: string) => index.isBroken(place) || isIn(input.away, place);
  const isUsable = (bundle: SourcedBundle) =>
    (isValid || world.unfit(bundle) === null) && servesSome(bundle, certificate);
  const ofHalf = homes.filter(isOfHalf);
  return {
    homes: ofHalf,
    present: ofHalf.filter((bundle) => present.includes(bundle)),
    isHeld:
      ofHalf.some(isUsable) ||
      (isValid && places.some((place) => index.byId(place) === undefined && isAway(place))),
  };
}

/**
 * What Kong has now says where the home is, and so long as that says nothing, what it had. Copies of one key pair are
 * all homes if they are one owner's.
 */
function placesOf(
  { input: { homes }, plan }: World,
  certificate: StoredCertificate,
  half: Half,
  present: readonly SourcedBundle[],
  broken: readonly SourcedBundle[],
): readonly string[] {
  const known = homes?.of(certificate, half) ?? [];
  const all = broken.length === 0 ? present : [...present, ...broken];
  if (all.length === 0) return known;
  const first =
    all.length === 1 ? all[0] : (all.find(({ id }) => known.includes(id)) ?? all.toSorted(byPlace)[0]);
  const owner = first === undefined ? '' : ownerOf(first);
  const places = all.filter((bundle) => ownerOf(bundle) === owner).map(({ id }) => id);
  const isKnown = places.some((place) => known.includes(place));
  const whole = isKnown && known.length > 0 ? [...new Set([...places, ...known])] : places;
  if (present.length > 0) plan.observed.push({ certificate, half, places: whole });
  return whole;
}

function servesSome({ leaf }: SourcedBundle, { snis }: StoredCertificate): boolean {
  return snis.length === 0 || snis.some((sni) => covers(leaf, sni));
}

function isIn(sources: ReadonlySet<string> | undefined, place: string): boolean {
  if (sources === undefined) return false;
  for (const source of sources) if (place === source || place.startsWith(`${source}#`)) return true;
  return false;
}

/**
 * Whether a bundle goes on where a home's left off: in the same source of the operator's, by the same authority and
 * for the same names, later from and longer until. That is a renewal under another file name.
 */
export function isSuccessor(
  world: World,
  bundle: SourcedBundle,
  home: SourcedBundle,
  certificate: StoredCertificate,
  half: Half,
): boolean {
  return (
    isOperators(bundle) &&
    bundle.order === home.order &&
    bundle.leaf.keyType === home.leaf.keyType &&
    (bundle.leaf.isForClients !== false || !isClients(certificate)) &&
    isOlder(home.leaf, bundle.leaf) &&
    sameNames(bundle.leaf.names, home.leaf.names) &&
    looksIssuedAlike(bundle.leaf, home.leaf) &&
    world.isSameIssuer(bundle, certificate, half) === true
  );
}

/**
 * Whether the homes seem to be given up: nothing of theirs was renewed in time, so another place of the same owner
 * does not have to wait until clients see an expired certificate.
 */
export function isGivenUp(
  world: World,
  { homes }: Claims,
  leaf: CertificateInfo | null,
  bundle: SourcedBundle,
): boolean {
  if (leaf === null || isOlder(bundle.leaf, leaf)) return false;
  const owner = ownerOf(bundle);
  const ofSameOwner = homes.length > 0 && homes.every((home) => ownerOf(home) === owner);
  if (!ofSameOwner) return false;
  const leaves = [leaf, ...homes.filter((home) => world.unfit(home) === null).map((home) => home.leaf)];
  const at = Math.max(...leaves.map(overdueOf));
  if (overdueOf(bundle.leaf) <= at) return false;
  world.due(at);
  return at <= world.now;
}

/**
 * Whether a bundle may replace what nobody's home holds; it covers the SNIs.
 * @returns null: it may; undefined: a question is open
 */
export function refusedByContinuity(
  world: World,
  bundle: SourcedBundle,
  certificate: StoredCertificate,
  half: Half,
): Refusal | null | undefined {
  const leaf = certificate[half]?.leaf ?? null;
  const changed = () => issuerChanged(bundle, certificate);
  if (bundle.leaf.isSelfIssued === true && leaf !== null && leaf.isSelfIssued !== true) return changed();
  if (isClients(certificate)) return answer(world.isSameIssuer(bundle, certificate, half), changed);
  if (isOperators(bundle)) return null;
  const isTrusted = world.isTrusted(bundle);
  if (isTrusted === true) return null;
  const isSame = world.isSameIssuer(bundle, certificate, half);
  return isSame === true ? null : answer(isTrusted === undefined ? undefined : isSame, changed);
}

const answer = (isProven: boolean | undefined, changed: () => Refusal) =>
  isProven === undefined ? undefined : isProven ? null : changed();

/** It has no SNI, or services show it to their upstreams. */
export const isClients = ({ snis, clients = [] }: StoredCertificate): boolean =>
  snis.length === 0 || clients.length > 0;

/**
 * A host's own certificate that is not due yet is worth more than a wildcard of another issuer.
 * @returns whether it stays; then time alone decides anew
 */
export function isKeptFromWildcard(
  world: World,
  bundle: SourcedBundle,
  { snis }: StoredCertificate,
  { leaf }: StoredHalf,
): boolean {
  if (!world.isValid(leaf) || looksIssuedAlike(bundle.leaf, leaf)) return false;
  const isByWildcard = snis.some(
    (sni) => coverage(leaf, sni) === 'name' && coverage(bundle.leaf, sni) === 'wildcard',
  );
  if (!isByWildcard) return false;
  world.due(dueOf(leaf));
  return world.now < dueOf(leaf);
}
