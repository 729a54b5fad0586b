import { MAX_BUNDLE_BYTES, type RawBundle } from '../../model';
import { decode, secretName, TLS_TYPE, toRawBundle, type Secret } from './secret';
import type { KubernetesObject } from '../../kubernetes';

/** A kind of objects that hold certificates, and how one is read. */
export interface ObjectKind {
  /** In paths, e.g. `secrets`. */
  plural: string;
  /** In sentences, e.g. `Secret`. */
  word: string;
  /** Selector used where neither names nor labels are given. */
  fieldSelector: string | null;
  /** Most octets that are taken from one object. */
  maxBytes: number;
  /** Null where it is not a bundle (yet). */
  toRawBundle: (object: Secret) => RawBundle | null;
}

/**
 * A quarter of a Secret's limit, and many times what a chain of ten certificates with its key needs: contents of
 * many tenants are parsed at each change.
 */
const MAX_SECRET_BYTES = 256 * 1024;

export const TLS_SECRETS: ObjectKind = {
  plural: 'secrets',
  word: 'Secret',
  fieldSelector: `type=${TLS_TYPE}`,
  maxBytes: MAX_SECRET_BYTES,
  toRawBundle,
};

/** Secrets as bundles of CAs: `ca.crt`, else every entry that is neither the leaf nor its key. */
export const CA_SECRETS: ObjectKind = {
  ...TLS_SECRETS,
  maxBytes: MAX_BUNDLE_BYTES,
  toRawBundle: (secret) => {
    const { 'ca.crt': ca, 'tls.crt': _cert, 'tls.key': _key, ...rest } = secret.data ?? {};
    const texts = (ca === undefined ? Object.values(rest) : [ca]).map(decode);
    return toCaBundle(secret, 'Secret', texts);
  },
};

/** ConfigMaps as bundles of CAs, such as trust-manager's: every entry with a certificate in it. */
export const CA_CONFIG_MAPS: ObjectKind = {
  plural: 'configmaps',
  word: 'ConfigMap',
  fieldSelector: null,
  maxBytes: MAX_BUNDLE_BYTES,
  toRawBundle: (object) => toCaBundle(object, 'ConfigMap', Object.values(object.data ?? {}).map(String)),
};

function toCaBundle(object: KubernetesObject, word: string, texts: readonly string[]): RawBundle | null {
  const name = secretName(object);
  // An object that was just created, or that is filled in later, says nothing about trust.
  if (texts.every((text) => text.trim() === '')) return null;
  const withCertificates = texts.filter((text) => text.includes('-----BEGIN '));
  const found = withCertificates.length > 0 ? withCertificates : texts.slice(0, 1);
  return { name, location: `${word} ${name}`, cert: found.join('\n'), key: '' };
}
