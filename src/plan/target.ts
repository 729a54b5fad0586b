import { checkShape, isShorter, provisionalIssuerOf } from '../certificates';
import {
  deterministicId,
  type CertificateInfo,
  type Change,
  type Half,
  type Refusal,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { isForServers } from './bundle-index';
import { isClientCertificate } from './claims';
import { endOf, isOlder } from './leaf-times';
import { allNames, covers } from './names';
import {
  chainIncomplete,
  issuerChanged,
  losesClientAuth,
  namesNotCovered,
  notForServers,
  older,
  provisional,
  vaultReference,
} from './sentences';
import type { World } from './world';

export type Update = Change & { kind: 'update' };

/** One half for which a decision is made. */
export interface Case {
  world: World;
  certificate: StoredCertificate;
  half: Half;
  stored: StoredHalf;
  /** Whether the ingress controller owns the certificate. */
  isOfController: boolean;
}

export function update(
  { certificate, half, isOfController }: Case,
  bundle: SourcedBundle,
  missing: readonly string[],
): Update {
  const change: Update = { kind: 'update', bundle, certificate, half, isOfController, addSnis: [] };
  if (missing.length > 0) change.split = { id: previousIdOf(certificate), snis: missing };
  return change;
}

/** Id of the certificate that keeps names of one of ours for which there is no renewal. */
const previousIdOf = ({ id, main }: StoredCertificate) =>
  deterministicId('certificate', `previous ${id} ${main.chain}`);

/** SNIs that have a valid certificate now and would lose it. */
export function missingNames(
  { world, certificate, stored: { leaf } }: Case,
  bundle: SourcedBundle,
): string[] {
  if (!world.isValid(leaf)) return [];
  return certificate.snis.filter((sni) => !covers(bundle.leaf, sni) && covers(leaf, sni));
}

/** Why this bundle must not be written to this certificate; undefined: a signature has to be checked first. */
export function refusedAsTarget(
  one: Case,
  bundle: SourcedBundle,
  missing: readonly string[],
): Refusal | null | undefined {
  const { world, certificate, stored } = one;
  const { snis } = certificate;
  const unfit = world.unfit(bundle);
  if (unfit !== null) return unfit;
  if (stored.vaultReference) return vaultReference(certificate);
  if (snis.length > 0 && !isForServers(bundle)) return notForServers(bundle);
  if (snis.length > 0 && allNames(bundle.leaf).length === 0) return checkShape(bundle, world.now);
  const leaf = world.isValid(stored.leaf) ? stored.leaf : null;
  if (leaf === null) return null;
  const why = refusedForPresent(one, bundle, missing, leaf);
  // An expired certificate protects nothing.
  if (why !== null) world.due(endOf(leaf));
  return why;
}

/** Why the certificate in Kong must not be replaced. */
function refusedForPresent(
  one: Case,
  bundle: SourcedBundle,
  missing: readonly string[],
  leaf: CertificateInfo,
): Refusal | null | undefined {
  const { world, certificate, stored, isOfController } = one;
  if (isClientCertificate(certificate) && !isOfController) {
    const why = refusedAsClient(one, bundle, leaf);
    if (why !== null) return why;
  }
  if (bundle.openEnd !== undefined && !isOfController && isShorter(bundle.reach, stored.reach, world.now))
    return chainIncomplete(bundle, certificate, endOf(leaf));
  if (isProvisional(one, bundle)) return provisional(bundle, certificate, endOf(leaf));
  if (missing.length > 0 && certificate.owner !== 'us')
    return namesNotCovered(bundle, certificate, missing, endOf(leaf));
  return isOlder(bundle.leaf, leaf) && !world.input.allowDowngrade ? older(bundle, certificate) : null;
}

/** Staging and temporary certificates come from the same place as the true ones, and no client accepts them. */
function isProvisional(
  { world, certificate: { snis }, stored, isOfController }: Case,
  { leaf, reach }: SourcedBundle,
): boolean {
  if (isOfController || snis.length === 0 || world.input.allowDowngrade) return false;
  if (leaf.isSelfIssued !== true && provisionalIssuerOf(reach) === null) return false;
  return world.leadsToRoot(stored.reach) && !world.leadsToRoot(reach);
}

/** Upstreams trust the issuer of the present client certificate, and require one that is for clients. */
function refusedAsClient(
  { world, certificate, half }: Case,
  bundle: SourcedBundle,
  leaf: CertificateInfo,
): Refusal | null | undefined {
  if (leaf.isForClients !== false && bundle.leaf.isForClients === false)
    return losesClientAuth(bundle, certificate, endOf(leaf));
  const isSame = world.isSameIssuer(bundle, certificate, half);
  return isSame === false ? issuerChanged(bundle, certificate) : isSame === true ? null : undefined;
}
