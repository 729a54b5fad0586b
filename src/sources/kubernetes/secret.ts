import type { RawBundle } from '../../model';
import type { KubernetesObject } from '../../kubernetes';
import { partsOf } from './secret-data';

/** A Secret (core/v1), as far as it matters here; data is base64. */
export interface Secret extends KubernetesObject {
  metadata: KubernetesObject['metadata'] & {
    uid: string;
    /** RFC 3339 */
    creationTimestamp?: string;
    annotations?: Record<string, string>;
    labels?: Record<string, string>;
  };
  type?: string;
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
 * A Secret as a bundle. Null where it is not one (yet): another type without `tls.crt`, or an empty `tls.crt`,
 * which cert-manager leaves while it issues.
 */
export function toRawBundle(secret: Secret): RawBundle | null {
  const { metadata, data } = secret;
  const parts = partsOf(data ?? {});
  const cert = decode(parts?.cert);
  if (cert.trim() === '') return null;
  const issuers = decode(data?.['ca.crt']);
  const certificate = metadata.annotations?.[CERTIFICATE] ?? '';
  const createdAt = Date.parse(metadata.creationTimestamp ?? '');
  return {
    name: secretName(secret),
    location: `Secret ${secretName(secret)}`,
    cert,
    key: decode(parts?.key),
    ...(issuers === '' ? {} : { issuers: [issuers] }),
    secret: {
      ...{ uid: metadata.uid, namespace: metadata.namespace, name: metadata.name },
      ...(certificate === '' ? {} : { certificate }),
      ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    },
  };
}

/** The API server may send anything: a value that is not a text counts as empty. */
export const decode = (base64: unknown): string =>
  typeof base64 === 'string' ? Buffer.from(base64, 'base64').toString('latin1') : '';
