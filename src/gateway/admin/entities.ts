import {
  NO_REACH,
  parseCertificate,
  reachOfPem,
  readPem,
  type ParsedCertificate,
  type PemContent,
} from '../../certificates';
import type {
  CertificateInfo,
  CertificateTexts,
  FreshPair,
  Owner,
  PemPair,
  SecretRef,
  StoredCertificate,
  StoredHalf,
} from '../../model';

/** Tag of the certificates that this plugin created. */
export const OUR_TAG = 'ssl-cert-reloader';
/** Tag, beside ours, of a certificate that keeps names which a renewal lost, until its leaf expires. */
export const PREVIOUS_TAG = 'ssl-cert-reloader-previous';

/** A certificate as the Admin API shows it; only the fields that matter here. */
export interface CertificateEntity {
  id: string;
  cert: string;
  key: string;
  cert_alt?: string | null;
  key_alt?: string | null;
  snis?: string[] | null;
  tags?: string[] | null;
}

const REFERENCE = /^\s*\{vault:\/\//;

/**
 * Keeps what comparisons need and drops the PEM texts: the key stays with Kong.
 * @param known the certificate as it was known: a half whose content is the same is not parsed again
 * @param fresh a pair that was written: a half of these very texts is not parsed
 */
export function toStored(
  entity: CertificateEntity,
  known?: StoredCertificate,
  fresh?: FreshPair,
): StoredCertificate {
  const { cert_alt: certAlt, key_alt: keyAlt, snis } = entity;
  const tags = entity.tags ?? NONE;
  const { secret, secretUid } = secretOf(tags);
  const main = toHalf(entity, known?.main, fresh);
  const stored: StoredCertificate = {
    id: entity.id,
    snis: sharedNames(snis ?? NONE, main.leaf),
    owner: ownerOf(tags),
    secret,
    main,
    alt: certAlt == null || keyAlt == null ? null : toHalf({ cert: certAlt, key: keyAlt }, known?.alt, fresh),
  };
  if (secretUid !== undefined) stored.secretUid = secretUid;
  if (tags.includes(PREVIOUS_TAG)) stored.isPrevious = true;
  return stored;
}

const NONE: readonly string[] = [];

/** Most certificates have exactly the SNIs that their leaf names: one list of them is enough. */
function sharedNames(snis: readonly string[], leaf: CertificateInfo | null): readonly string[] {
  const names = leaf?.names ?? NONE;
  const isSame = snis.length === names.length && snis.every((sni, index) => sni === names[index]);
  return isSame ? names : snis;
}

/** @param stored what was made of this entity; left out: nothing yet */
export function toTexts(entity: CertificateEntity, stored?: StoredCertificate): CertificateTexts {
  const { cert, key, snis, tags } = entity;
  const alt = halfOf(entity, 'alt');
  return {
    main: stored === undefined ? { cert, key } : { cert, key, half: stored.main },
    alt: alt === null || stored?.alt == null ? alt : { ...alt, half: stored.alt },
    snis: snis ?? [],
    tags: tags ?? [],
  };
}

export const toEntity = (id: string, { main, alt, snis, tags }: CertificateTexts): CertificateEntity => ({
  ...{ id, ...main, snis: [...snis], tags: [...tags] },
  ...(alt === null ? {} : { cert_alt: alt.cert, key_alt: alt.key }),
});

export function halfOf(entity: CertificateEntity, half: 'main' | 'alt'): PemPair | null {
  if (half === 'main') return { cert: entity.cert, key: entity.key };
  const { cert_alt: cert, key_alt: key } = entity;
  return cert == null || key == null ? null : { cert, key };
}

/** The fields of one half. */
export function pemFields(half: 'main' | 'alt', pair: PemPair): Record<string, string> {
  return half === 'main' ? { cert: pair.cert, key: pair.key } : { cert_alt: pair.cert, key_alt: pair.key };
}

/** Fields that remove the second half. */
export const NO_ALT = { cert_alt: null, key_alt: null };

/**
 * The ingress controller's own tags: the first with a database, the others from 3.4.17 and 3.5.10 on. Any other tag
 * that begins with `k8s-` belongs to a user.
 */
const CONTROLLERS_TAG = /^(managed-by-ingress-controller$|k8s-(name|namespace|kind|uid):)/;

/** Tag by which the controller recognizes its entities in a database. */
export const MANAGED_TAG = 'managed-by-ingress-controller';

export const isOfController = (tags: readonly string[]): boolean =>
  tags.some((tag) => CONTROLLERS_TAG.test(tag));

/** Tags that the controller gives to the certificate of a Secret in a database. */
export const controllersTags = ({ namespace, name, uid }: SecretRef): string[] => [
  ...[MANAGED_TAG, `k8s-name:${name}`, `k8s-namespace:${namespace}`],
  ...['k8s-kind:Secret', `k8s-uid:${uid}`],
];

function ownerOf(tags: readonly string[]): Owner {
  if (tags.includes(OUR_TAG)) return 'us';
  return isOfController(tags) ? 'ingress_controller' : 'other';
}

const NO_SECRET = { secret: null, secretUid: undefined };

function secretOf(tags: readonly string[]): { secret: string | null; secretUid: string | undefined } {
  if (tags.length === 0) return NO_SECRET;
  const value = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  const [namespace, name, uid] = [value('k8s-namespace:'), value('k8s-name:'), value('k8s-uid:')];
  return {
    secret: namespace === undefined || name === undefined ? null : `${namespace}/${name}`,
    secretUid: uid,
  };
}

/** `{vault://…}`: the value is kept in a vault. */
export const isVaultReference = ({ cert, key }: PemPair): boolean =>
  REFERENCE.test(cert) || REFERENCE.test(key);

function toHalf({ cert, key }: PemPair, known?: StoredHalf | null, fresh?: FreshPair): StoredHalf {
  if (fresh?.half !== undefined && fresh.cert === cert && fresh.key === key) return fresh.half;
  const vaultReference = isVaultReference({ cert, key });
  const pem = vaultReference ? null : readPem(cert, key);
  if (pem !== null && pem.content !== '' && pem.content === known?.content) return known;
  const leaf = pem === null ? null : leafOf(pem);
  const reach = pem === null ? NO_REACH : reachOfPem(leaf, pem);
  return {
    content: pem?.content ?? '',
    chain: pem?.chain ?? '',
    leaf: leaf?.info ?? null,
    reach,
    vaultReference,
  };
}

function leafOf({ certificates: [first], chain }: PemContent): ParsedCertificate | null {
  try {
    return first === undefined ? null : parseCertificate(first.der, chain);
  } catch {
    return null;
  }
}
