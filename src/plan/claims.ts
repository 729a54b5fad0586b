import {
  isChainOf,
  ownerOf,
  type CertificateInfo,
  type Half,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { isSeen } from './homes';
import { dueOf, endOf, isLate, isOlder, overdueOf } from './leaf-times';
import { coverage, covers, sameNames } from './names';
import { byPlace, isFromOperator, looksIssuedAlike } from './ranking';
import { issuerChanged } from './sentences';
import type { World } from './world';

/** Which bundles may renew one half of a certificate. */
export interface Claims {
  /** The bundle whose certificate it is by its id, so far as that makes it a home. */
  own: SourcedBundle | undefined;
  /** The homes that are bundles at present; the certificate's own bundle first. */
  homes: readonly SourcedBundle[];
  /** The homes whose content Kong has now, in the same order. */
  present: readonly SourcedBundle[];
  /** Whether only homes may renew it: one holds something valid, or what Kong has from it still is. */
  isHeld: boolean;
}

/** The bundle that a certificate's id belongs to, whatever Kong has in it. */
export function ownBundle({ index }: World, { id, owner }: StoredCertificate): SourcedBundle | undefined {
  return owner === 'us' ? index.byCertificateId(id) : undefined;
}

/**
 * The same as a home. A tenant's whose certificate somebody took over who stands for the name does not get it back by that.
 */
function ownHome(
  world: World,
  certificate: StoredCertificate,
  present: readonly SourcedBundle[],
): SourcedBundle | undefined {
  const own = ownBundle(world, certificate);
  if (own === undefined || isFromOperator(own) || present.includes(own)) return own;
  const stands = (home: SourcedBundle) =>
    ownerOf(home) !== ownerOf(own) && (isFromOperator(home) || world.isTrusted(home) === true);
  return present.some(stands) && world.isTrusted(own) !== true ? undefined : own;
}

export function claimsOf(world: World, certificate: StoredCertificate, half: Half): Claims {
  const { index } = world;
  const stored = certificate[half];
  if (stored === null) return { own: undefined, homes: NOBODY, present: NOBODY, isHeld: false };
  const alike = index.having(stored);
  const isPlain = alike.length === 1 && alike[0]?.content === stored.content;
  const having = isPlain ? alike : alike.filter((bundle) => world.isHad(bundle, stored));
  // A source with a completed chain is also the home of the same chain in its incomplete form, and has news for it.
  const isOfController = certificate.owner === 'ingress_controller';
  const present = isPlain
    ? alike
    : having.filter((one) => one.content === stored.content || isChainOf(one, stored.chain, isOfController));
  const own = ownHome(world, certificate, present);
  const broken = index.brokenHaving(stored).filter((bundle) => world.wasHad(bundle, stored));
  const places = placesOf(world, certificate, half, having, broken);
  if (places.length === 1 && present.length === 1 && (own === undefined || own === present[0]))
    return { own, homes: present, present, isHeld: true };
  const homes = homesAt(world, places, own, certificate, half, present);
  return {
    own,
    homes,
    present: present.length === 0 ? NOBODY : homes.filter((bundle) => present.includes(bundle)),
    isHeld: isHeld(world, homes, places, certificate, stored),
  };
}

/**
 * The present bundles at the homes; each of two halves follows those with its own type of key. A place that has other
 * names now renews none of ours but its own.
 */
function homesAt(
  { index }: World,
  places: readonly string[],
  own: SourcedBundle | undefined,
  certificate: StoredCertificate,
  half: Half,
  present: readonly SourcedBundle[],
): readonly SourcedBundle[] {
  const homes = own === undefined ? [] : [own];
  const { alt, owner, snis } = certificate;
  for (const place of places) {
    const bundle = index.byId(place, snis[0]);
    if (bundle === undefined || bundle === own) continue;
    if (owner !== 'us' || present.includes(bundle) || servesSome(bundle, certificate)) homes.push(bundle);
  }
  const keyType = certificate[half]?.leaf?.keyType;
  return alt === null ? homes : homes.filter((bundle) => bundle.leaf.keyType === keyType);
}

function isHeld(
  world: World,
  homes: readonly SourcedBundle[],
  places: readonly string[],
  certificate: StoredCertificate,
  stored: StoredHalf,
): boolean {
  const { index, input } = world;
  const isValid = world.isValid(stored.leaf);
  for (const home of homes)
    if ((isValid || world.unfit(home) === null) && servesSome(home, certificate)) return true;
  if (!isValid) return false;
  const [name] = certificate.snis;
  const isOutOfSight = (place: string) => index.isBroken(place) || isIn(input.away, place);
  return places.some((place) => index.byId(place, name) === undefined && isOutOfSight(place));
}

const NOBODY: readonly SourcedBundle[] = [];
const NOWHERE: readonly string[] = [];

/**
 * Places of the certificate's content in Kong; where none is found, places that it was known to come from. Copies
 * of one key pair are all homes if one owner has them.
 */
function placesOf(
  world: World,
  certificate: StoredCertificate,
  half: Half,
  present: readonly SourcedBundle[],
  broken: readonly SourcedBundle[],
): readonly string[] {
  const known = knownPlaces(world, certificate, half);
  const all = broken.length === 0 ? present : [...present, ...broken];
  const [only] = all;
  if (only === undefined) return known;
  const places = all.length === 1 ? [only.id] : placesOfOneOwner(all, known);
  const isKnown = known.length > 0 && places.some((place) => known.includes(place));
  const whole = isKnown ? [...new Set([...places, ...known])] : places;
  if (present.length > 0) world.plan.observed.push({ certificate, half, places: whole });
  return whole;
}

function placesOfOneOwner(all: readonly SourcedBundle[], known: readonly string[]): string[] {
  const [oldest] = all.toSorted(byPlace);
  const first = all.find(({ id }) => known.includes(id)) ?? oldest;
  const owner = first === undefined ? '' : ownerOf(first);
  return all.filter((bundle) => ownerOf(bundle) === owner).map(({ id }) => id);
}

/** A tenant's place counts as home only for certificates observed to come from it, an operator's by its name alone. */
function knownPlaces(
  { input: { homes }, index }: World,
  certificate: StoredCertificate,
  half: Half,
): readonly string[] {
  const home = homes?.of(certificate, half) ?? null;
  if (home === null) return NOWHERE;
  if (isSeen(home, certificate, half)) return home.places;
  const isOwn = (place: string) => {
    const bundle = index.byId(place, certificate.snis[0]);
    return bundle !== undefined && isFromOperator(bundle);
  };
  return home.places.filter(isOwn);
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
 * Whether a bundle succeeds a home's: in the same source of the operator, from the same authority and for the same
 * names, valid later from and longer until. That is a renewal under another file name.
 */
export function isSuccessor(
  world: World,
  bundle: SourcedBundle,
  home: SourcedBundle,
  certificate: StoredCertificate,
  half: Half,
): boolean {
  return (
    isFromOperator(bundle) &&
    bundle.order === home.order &&
    bundle.leaf.keyType === home.leaf.keyType &&
    // Beside a client's certificate a server's of the same names is another thing.
    (bundle.leaf.isForClients !== false || certificate.snis.length > 0) &&
    isOlder(home.leaf, bundle.leaf) &&
    sameNames(bundle.leaf.names, home.leaf.names) &&
    looksIssuedAlike(bundle.leaf, home.leaf) &&
    world.isSameIssuer(bundle, certificate, half) === true
  );
}

/**
 * Whether the homes seem to be abandoned: nothing there was renewed in time, so another place of the same owner
 * need not wait until clients see an expired certificate.
 */
export function isHomeAbandoned(
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
  if (overdueOf(bundle.leaf) <= at || leaves.some(({ notAfter }) => bundle.leaf.notAfter <= notAfter))
    return false;
  world.due(at);
  return at <= world.now;
}

/**
 * Whether a bundle of the operator's, or one that leads to a trusted CA, outranks a tenant's home that only was
 * first: a home without such a CA is protected only against tenants without one.
 */
export function outranks(world: World, bundle: SourcedBundle, home: SourcedBundle): boolean {
  if (isFromOperator(home) || ownerOf(home) === ownerOf(bundle)) return false;
  if (!isFromOperator(bundle) && world.isTrusted(bundle) !== true) return false;
  return world.isTrusted(home) === false;
}

/**
 * Whether a bundle that covers the SNIs may replace a certificate that no home holds.
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
  if (isClientCertificate(certificate)) return answer(world.isSameIssuer(bundle, certificate, half), changed);
  if (isFromOperator(bundle)) return null;
  const isTrusted = world.isTrusted(bundle);
  if (isTrusted === true) return null;
  const isSame = world.isSameIssuer(bundle, certificate, half);
  return isSame === true ? null : answer(isTrusted === undefined ? undefined : isSame, changed);
}

const answer = (isProven: boolean | undefined, changed: () => Refusal) =>
  isProven === undefined ? undefined : isProven ? null : changed();

/**
 * Whether no bundle renews a certificate of ours any more: it was not renewed in time, or came from one of our
 * places that is gone. A certificate of unknown origin may be another gateway's, which has other sources.
 * @param isAltAlive its second half has a bundle, so there is no hurry before the first one expires
 */
export function isMainAbandoned(world: World, certificate: StoredCertificate, isAltAlive: boolean): boolean {
  const { leaf } = certificate.main;
  if (leaf !== null) {
    world.due(endOf(leaf));
    world.due(overdueOf(leaf));
  }
  if (claimsOf(world, certificate, 'main').isHeld) return false;
  if (leaf === null || isLate(leaf, world.now)) return true;
  return !isAltAlive && (world.input.homes?.of(certificate, 'main') ?? null) !== null;
}

/** Whether a certificate of ours holds no name any more and is not in use. */
export const isLeftOver = ({ index }: World, { id, snis, owner, clients = [] }: StoredCertificate): boolean =>
  owner === 'us' && snis.length === 0 && clients.length === 0 && index.fixedFor(id).length === 0;

/** Whether it is for clients: it has no SNI, or services show it to their upstreams. */
export const isClientCertificate = ({ snis, clients = [] }: StoredCertificate): boolean =>
  snis.length === 0 || clients.length > 0;

/**
 * Whether a host's own certificate that is not due yet is kept from a wildcard of another issuer. If so, time alone
 * will change that.
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
