import {
  NO_REACH,
  parseCertificate,
  reachOfPem,
  readPem,
  type ParsedCertificate,
  type PemContent,
} from '../../certificates';
import type { Owner, PemPair, StoredCertificate, StoredHalf } from '../../model';

/** Tag of the certificates that this plugin created. */
export const OUR_TAG = 'ssl-cert-reloader';

/** A certificate as the Admin API shows it; the fields that matter here. */
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

/** Keeps what is needed to compare, and lets go of the PEM texts: the key stays with Kong. */
export function toStored(entity: CertificateEntity): StoredCertificate {
  const { cert_alt: certAlt, key_alt: keyAlt } = entity;
  return {
    id: entity.id,
    snis: (entity.snis ?? []).map((sni) => sni.toLowerCase()),
    owner: ownerOf(entity.tags ?? []),
    secret: secretOf(entity.tags ?? []),
    main: toHalf(entity),
    alt: certAlt == null || keyAlt == null ? null : toHalf({ cert: certAlt, key: keyAlt }),
  };
}

export function halfOf(entity: CertificateEntity, half: 'main' | 'alt'): PemPair | null {
  if (half === 'main') return { cert: entity.cert, key: entity.key };
  const { cert_alt: cert, key_alt: key } = entity;
  return cert == null || key == null ? null : { cert, key };
}

/** The fields that hold one half. */
export function pemFields(half: 'main' | 'alt', pair: PemPair): Record<string, string> {
  return half === 'main' ? { cert: pair.cert, key: pair.key } : { cert_alt: pair.cert, key_alt: pair.key };
}

/** Takes the second half away. */
export const NO_ALT = { cert_alt: null, key_alt: null };

/** The ingress controller's tags: in database mode its own, from 3.4.17 and 3.5.10 on `k8s-…` in both modes. */
function ownerOf(tags: readonly string[]): Owner {
  if (tags.includes(OUR_TAG)) return 'us';
  const isController = tags.some((tag) => tag === 'managed-by-ingress-controller' || tag.startsWith('k8s-'));
  return isController ? 'ingress_controller' : 'other';
}

function secretOf(tags: readonly string[]): string | null {
  const value = (prefix: string) => tags.find((tag) => tag.startsWith(prefix))?.slice(prefix.length);
  const [namespace, name] = [value('k8s-namespace:'), value('k8s-name:')];
  return namespace === undefined || name === undefined ? null : `${namespace}/${name}`;
}

function toHalf({ cert, key }: PemPair): StoredHalf {
  const vaultReference = REFERENCE.test(cert) || REFERENCE.test(key);
  const pem = vaultReference ? null : readPem(cert, key);
  const leaf = pem === null ? null : leafOf(pem);
  return {
    content: pem?.content ?? '',
    chain: pem?.chain ?? '',
    leaf: leaf?.info ?? null,
    reach: pem === null ? NO_REACH : reachOfPem(leaf, pem),
    vaultReference,
  };
}

function leafOf({ certificates: [first], chain }: PemContent): ParsedCertificate | null {
  try {
    return first === undefined ? null : parseCertificate(first.der, chain.split('.', 1)[0]);
  } catch {
    return null;
  }
}
