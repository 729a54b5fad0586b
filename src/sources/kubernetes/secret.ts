import type { RawBundle } from '../../model';
import type { KubernetesObject } from '../../kubernetes';
import { bundleIn, USUAL_NAMES } from '../remote/layout';

/** A Secret (core/v1), as far as it matters here; data is base64. */
export interface Secret extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & {
    uid: string;
    /** RFC 3339 */
    creationTimestamp?: string;
    annotations?: Record<string, string>;
  };
  data?: Record<string, string> | null;
}

export const TLS_TYPE = 'kubernetes.io/tls';

/** Annotations by which people and cert-manager mark Secrets to be served. */
const CERTIFICATE = 'cert-manager.io/certificate-name';
const MARKS = [CERTIFICATE, 'cert-manager.io/issuer-name'];
const OVERRIDE = 'konghq.com/override';

export function isMarked({ metadata: { annotations = {} } }: Secret): boolean {
  return annotations[OVERRIDE] === 'true' || MARKS.some((name) => name in annotations);
}

/** The names that cert-manager, or a person, has written on a Secret; null: none. */
export function annotatedHosts({ metadata: { annotations = {} } }: Secret): readonly string[] | null {
  const names = (annotations['cert-manager.io/alt-names'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase());
  const hosts = names.filter((name) => name !== '');
  return hosts.length === 0 ? null : hosts;
}

export const secretName = ({ metadata }: KubernetesObject): string =>
  `${metadata.namespace}/${metadata.name}`;

/**
 * A Secret as a bundle: by the keys of its type, else by other common ones. Null where it is not one (yet): an empty
 * `tls.crt` is what cert-manager leaves while it issues.
 */
export function toRawBundle(secret: Secret): RawBundle | null {
  const { metadata } = secret;
  const texts = textsOf(secret.data ?? {});
  if (texts === null) return null;
  const certificate = metadata.annotations?.[CERTIFICATE] ?? '';
  const createdAt = Date.parse(metadata.creationTimestamp ?? '');
  return {
    name: secretName(secret),
    location: `Secret ${secretName(secret)}`,
    ...texts,
    secret: {
      ...{ uid: metadata.uid, namespace: metadata.namespace, name: metadata.name },
      ...(certificate === '' ? {} : { certificate }),
      ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    },
  };
}

function textsOf(data: Readonly<Record<string, string>>): Pick<RawBundle, 'cert' | 'key' | 'issuers'> | null {
  const parts = partsOf(data);
  const cert = decode(parts?.cert);
  if (cert.trim() !== '') {
    const issuers = decode(data['ca.crt']);
    return { cert, key: decode(parts?.key), ...(issuers === '' ? {} : { issuers: [issuers] }) };
  }
  // Other keys are common words, too: only what is a certificate for certain counts.
  const decoded = Object.fromEntries(Object.entries(data).map(([name, value]) => [name, decode(value)]));
  const found = bundleIn(decoded, USUAL_NAMES);
  return found?.cert.includes('-----BEGIN ') === true ? found : null;
}

/** The API server may send anything: a value that is not a text counts as empty. */
export const decode = (base64: unknown): string =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('latin1') : '';

/** Keys of a Secret's data that may hold certificate and key together, in order of preference. */
const TOGETHER = [/^tls-combined\.pem$/, /^keystore\.p12$/, /\.p12$/, /\.pfx$/, /^keystore\.jks$/, /\.jks$/];

/** The certificate and the key in a Secret's data, base64 as there; `key` may be empty. */
interface SecretParts {
  cert: string;
  key: string;
}

/**
 * Finds them: `tls.crt` with `tls.key` (or cert-manager's `key.der`), else `tls-combined.pem`, else a keystore.
 * @returns null where there is no certificate (yet): cert-manager leaves `tls.crt` empty while it issues
 */
export function partsOf(data: Readonly<Record<string, string>>): SecretParts | null {
  const cert = data['tls.crt'] ?? '';
  const key = (data['tls.key'] ?? '') || (data['key.der'] ?? '');
  if (cert !== '' && key !== '') return { cert, key };
  const names = Object.keys(data).filter((name) => !name.startsWith('truststore.') && data[name] !== '');
  for (const pattern of TOGETHER) {
    const found = names.find((name) => pattern.test(name));
    if (found !== undefined) return { cert: data[found] ?? '', key: '' };
  }
  return cert === '' ? null : { cert, key };
}
