import {
  isChainOf,
  type CertificateInfo,
  type Half,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import {
  claimsOf,
  isClientCertificate,
  isHomeAbandoned,
  isKeptFromWildcard,
  isLeftOver,
  isSuccessor,
  outranks,
  ownBundle,
  refusedByContinuity,
  type Claims,
} from './claims';
import { endOf, isLate, isOlder, overdueOf } from './leaf-times';
import { coverage, sameNames } from './names';
import { byAge, byPlace, isFromOperator, looksIssuedAlike } from './ranking';
import { controllers, keptFromWildcard, nameOfAnother, vaultReference } from './sentences';
import { missingNames, refusedAsTarget, update, type Case, type Update } from './target';
import type { World } from './world';

/** Decision about one half of a certificate in Kong. */
export interface Decision {
  /** The bundle that it has or gets; null: it stays as it is, and no bundle matches it. */
  bundle: SourcedBundle | null;
  /** Null: it is in step, or stays. */
  change: Update | null;
}

const NOBODY: readonly SourcedBundle[] = [];
const NOTHING: Decision = { bundle: null, change: null };

/** Assigns to one half of a certificate the best bundle that may have it. */
export function decideHalf(world: World, certificate: StoredCertificate, half: Half): Decision {
  const stored = certificate[half];
  // A certificate that only keeps names until its end is not renewed: its names go to one that is.
  if (stored === null || (certificate.isPrevious === true && certificate.owner === 'us')) return NOTHING;
  if (isLeftOver(world, certificate) && ownBundle(world, certificate) === undefined) return NOTHING;
  const { index, plan } = world;
  const secret = world.secretOf(certificate);
  const isOfController = secret !== undefined || certificate.owner === 'ingress_controller';
  if (secret !== undefined && certificate.owner === 'other' && half === 'main')
    plan.untagged.push(certificate.id);
  const one: Case = { world, certificate, half, stored, isOfController };
  if (secret !== undefined) plan.observed.push({ certificate, half, places: [secret.id] });
  if (secret !== undefined) return firstOf(one, [secret], isSame(secret, stored, true) ? [secret] : []);
  const fixed = certificate.owner === 'us' ? index.fixedFor(certificate.id) : [];
  if (fixed.length > 0) {
    const tries = ofType(one, fixed).toSorted(byAge);
    return firstOf(
      one,
      tries,
      tries.filter((bundle) => isSame(bundle, stored)),
    );
  }
  const claims = claimsOf(world, certificate, half);
  if (certificate.owner === 'ingress_controller') return controllersOwn(one, claims);
  return stored.vaultReference ? ofVault(one, claims) : bestOf(one, claims);
}

/** The ingress controller writes a Secret as it is found; from other sources a completed chain is written whole. */
const isSame = (bundle: SourcedBundle, stored: StoredHalf, isOfController = false) =>
  bundle.content === stored.content || isChainOf(bundle, stored.chain, isOfController);

/** A certificate that the ingress controller made of a Secret follows that Secret alone. */
function controllersOwn(one: Case, { present }: Claims): Decision {
  const { world, certificate, half } = one;
  const [first] = present;
  if (first !== undefined) return inStep(one, first);
  for (const bundle of others(one, [])) {
    if (isFromOperator(bundle) && isNews(one, bundle))
      world.refuse(bundle, controllers(bundle, certificate), certificate, half);
  }
  return NOTHING;
}

function ofVault(one: Case, { homes }: Claims): Decision {
  const { world, certificate, half } = one;
  for (const bundle of [...homes, ...others(one, homes)])
    world.refuse(bundle, vaultReference(certificate), certificate, half);
  return NOTHING;
}

function bestOf(one: Case, claims: Claims): Decision {
  const { world, certificate, half } = one;
  const strangers = others(one, claims.homes);
  const [only] = claims.present;
  // A shortcut for nearly all certificates.
  if (only !== undefined && strangers.length === 0 && claims.homes.length === 1) return inStep(one, only);
  if (strangers.length > 0) noteEnds(one, claims);
  const better = strangers.filter((bundle) => isBetter(one, claims, bundle)).sort(bestFirst(one));
  const known = firstOf(one, [...better, ...renewals(one, claims, strangers)], claims.present);
  if (known.bundle !== null || claims.isHeld) {
    for (const bundle of strangers) if (bundle !== known.bundle) hold(one, bundle, known.bundle);
    return known;
  }
  const free: SourcedBundle[] = [];
  for (const bundle of strangers.toSorted(bestFirst(one))) {
    const why = refusedByContinuity(world, bundle, certificate, half);
    const broken = world.input.barred.get(bundle.id);
    // While a signature is unchecked, no later bundle may be chosen over this one.
    if (why === undefined) return NOTHING;
    if (why === null) free.push(bundle);
    // A broken bundle proves nothing, and what is wrong with it says more.
    else if (broken !== undefined) world.refuse(bundle, broken, certificate, half);
    else if (isNews(one, bundle) && isAboutIt(one, bundle)) world.refuse(bundle, why, certificate, half);
  }
  return firstOf(one, free, null);
}

/** Plans again at the time when the present holder's claim will have ended. */
function noteEnds({ world, stored: { leaf } }: Case, { homes }: Claims): void {
  if (leaf !== null) world.due(endOf(leaf));
  for (const home of homes) world.due(endOf(home.leaf));
}

/**
 * Whether a bundle with the very names outranks the homes. Certificates of ours are not rewritten: their names
 * move.
 */
function isBetter(one: Case, { homes }: Claims, bundle: SourcedBundle): boolean {
  const { world, certificate, half } = one;
  if (homes.length === 0 || certificate.owner !== 'other' || homes.some(isFromOperator)) return false;
  return (
    certificate.snis.every((sni) => coverage(bundle.leaf, sni) === 'name') &&
    isNews(one, bundle) &&
    homes.every((home) => outranks(world, bundle, home)) &&
    refusedByContinuity(world, bundle, certificate, half) === null
  );
}

/** A bundle with a client's name is often just the server's: one of another issuer is no renewal for a client. */
function isAboutIt({ certificate, stored: { leaf } }: Case, bundle: SourcedBundle): boolean {
  return certificate.snis.length > 0 || (leaf !== null && looksIssuedAlike(bundle.leaf, leaf));
}

/** Whether a bundle is not older than what Kong has, and fit to be served. */
function isNews({ world, stored }: Case, bundle: SourcedBundle): boolean {
  const { leaf } = stored;
  if (world.unfit(bundle) !== null || isSame(bundle, stored)) return false;
  if (!world.isValid(leaf)) return true;
  return !isOlder(bundle.leaf, leaf) && !isSameLeaf(bundle.leaf, leaf);
}

/** Serials are compared first, since a fingerprint is computed at each access. */
const isSameLeaf = (a: CertificateInfo, b: CertificateInfo) =>
  a.serial === b.serial && a.fingerprint === b.fingerprint;

/**
 * Leaves a bundle out because another place holds the certificate. It is reported where it has one of the very
 * names, and is neither older than what is given nor the other type of key of a pair.
 */
function hold(one: Case, bundle: SourcedBundle, given: SourcedBundle | null): void {
  const { world, certificate, half, stored } = one;
  if (!isNews(one, bundle) || (given !== null && isOlder(bundle.leaf, given.leaf))) return;
  if (isFromOperator(bundle) && bundle.leaf.keyType !== stored.leaf?.keyType) return;
  const names = certificate.snis.filter((sni) => coverage(bundle.leaf, sni) === 'name');
  if (names.length === 0) return;
  const until = world.isValid(stored.leaf) ? endOf(stored.leaf) : null;
  world.refuse(bundle, nameOfAnother(bundle, names, until), certificate, half);
}

/** Order of several bundles where there is no home. */
function bestFirst({ certificate, stored: { leaf } }: Case): (a: SourcedBundle, b: SourcedBundle) => number {
  const isForIt = (bundle: SourcedBundle) =>
    !isClientCertificate(certificate) || bundle.leaf.isForClients !== false;
  const rank = (bundle: SourcedBundle) =>
    leaf === null
      ? 0
      : Number(isForIt(bundle)) * 16 +
        Number(looksIssuedAlike(bundle.leaf, leaf)) * 8 +
        Number(sameNames(bundle.leaf.names, leaf.names)) * 4 +
        Number(isFromOperator(bundle)) * 2 +
        Number(bundle.leaf.keyType === leaf.keyType);
  return (a, b) => rank(b) - rank(a) || byPlace(a, b);
}

/** Bundles whose names fit. */
function others(one: Case, homes: readonly SourcedBundle[]): readonly SourcedBundle[] {
  const { certificate, stored, world } = one;
  const found =
    certificate.snis.length > 0
      ? world.index.covering(certificate, stored)
      : stored.leaf === null
        ? NOBODY
        : world.index.alike(stored.leaf);
  const all = ofType(one, found);
  if (all.length < 2 && (all.length === 0 || all[0] === homes[0])) return NOBODY;
  return homes.length === 0 ? all : all.filter((bundle) => !homes.includes(bundle));
}

/** With RSA and ECDSA side by side each half keeps its type. */
function ofType(
  { certificate: { alt }, stored: { leaf } }: Case,
  bundles: readonly SourcedBundle[],
): readonly SourcedBundle[] {
  return alt === null ? bundles : bundles.filter((bundle) => bundle.leaf.keyType === leaf?.keyType);
}

/** The homes and their successors, in the order in which they are tried. */
function renewals(one: Case, claims: Claims, strangers: readonly SourcedBundle[]): readonly SourcedBundle[] {
  const { world, certificate, half, stored } = one;
  const { homes, own, present } = claims;
  if (
    homes.length === 0 ||
    (strangers.length === 0 && (homes.length === 1 || homes.length === present.length))
  )
    return homes;
  const { leaf } = stored;
  const follows = (bundle: SourcedBundle) =>
    homes.some((home) => isSuccessor(world, bundle, home, certificate, half)) ||
    (isHomeAbandoned(world, claims, leaf, bundle) &&
      refusedByContinuity(world, bundle, certificate, half) === null);
  const isCopyAhead = (home: SourcedBundle) =>
    home !== own && !present.includes(home) && leaf !== null && isOlder(leaf, home.leaf);
  const ahead = [...strangers.filter(follows), ...homes.filter(isCopyAhead)].sort(byAge);
  const absent = homes.filter((home) => !present.includes(home)).sort(byPlace);
  if (own === undefined || !absent.includes(own)) return [...ahead, ...present, ...absent];
  const isPast = world.isValid(leaf) && isLate(own.leaf, world.now) && !isLate(leaf, world.now);
  if (isPast) world.due(overdueOf(leaf));
  const isFresh = present.length === 0 || !world.isValid(leaf) || !(isPast || isOlder(own.leaf, leaf));
  const beforeOwn = ahead.filter((bundle) => isOlder(own.leaf, bundle.leaf));
  return isFresh ? [...beforeOwn, own, ...present, ...absent] : [...ahead, ...present, own];
}

/**
 * The first bundle that may be written, or that Kong has.
 * @param present homes whose content Kong has; null: these are not homes
 */
function firstOf(
  one: Case,
  tries: readonly SourcedBundle[],
  present: readonly SourcedBundle[] | null,
): Decision {
  const { world, certificate, half, stored } = one;
  // With RSA and ECDSA side by side, a bundle that is refused for a while must not lose its place to the other
  // type.
  const keptType = world.isValid(stored.leaf) ? stored.leaf.keyType : null;
  let isKept = false;
  for (const bundle of tries) {
    if (isKept && bundle.leaf.keyType !== keptType) continue;
    if (present?.includes(bundle) === true) return inStep(one, bundle);
    const missing = missingNames(one, bundle);
    if (present === null && isKeptFromWildcard(world, bundle, certificate, stored)) {
      world.plan.notes.set(bundle.id, keptFromWildcard(bundle, certificate));
      continue;
    }
    const why = refusedAsTarget(one, bundle, missing);
    // While a signature is unchecked, no later bundle may be chosen over this one.
    if (why === undefined) return NOTHING;
    if (why === null) return { bundle, change: update(one, bundle, missing) };
    if (bundle.leaf.keyType === keptType) isKept = true;
    const isNobodys = present === null && !isFromOperator(bundle) && why.reason === 'older_than_stored';
    if (!isNobodys) world.refuse(bundle, why, certificate, half);
  }
  return NOTHING;
}

function inStep({ world: { plan }, certificate, stored }: Case, bundle: SourcedBundle): Decision {
  if (bundle.content !== stored.content) plan.unchecked.push(bundle);
  const holders = plan.inSync.get(bundle.id);
  if (holders === undefined) plan.inSync.set(bundle.id, [certificate.id]);
  else holders.push(certificate.id);
  return { bundle, change: null };
}
