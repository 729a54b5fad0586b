import { randomUUID, sign, type KeyObject } from 'node:crypto';
import { eventually } from '../support/eventually';
import { apply } from './apply';
import type { ApiClient } from './client';

/** A rule of a Role, as in its manifest. */
export interface PolicyRule {
  apiGroups: string[];
  resources: string[];
  verbs: string[];
  resourceNames?: string[];
}

export interface ServiceAccountOptions {
  /** The rules hold in every namespace: ClusterRole and ClusterRoleBinding. Default false. */
  clusterWide?: boolean;
  /** Namespaces of the rules; default: that of the service account. */
  namespaces?: string[];
}

const RBAC = { apiVersion: 'rbac.authorization.k8s.io/v1' };
const RBAC_GROUP = 'rbac.authorization.k8s.io';

/** Makes or changes a service account and what it may do; resolves when the API server lets it. */
export async function createServiceAccount(
  client: ApiClient,
  namespace: string,
  name: string,
  rules: readonly PolicyRule[],
  { clusterWide = false, namespaces = [namespace] }: ServiceAccountOptions,
): Promise<void> {
  await apply(client, { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } });
  const subjects = [{ kind: 'ServiceAccount', name, namespace }];
  // Cluster-wide names are shared by all namespaces.
  const roleName = clusterWide ? `${namespace}-${name}` : name;
  for (const where of clusterWide ? [null] : namespaces) {
    const metadata = { name: roleName, ...(where === null ? {} : { namespace: where }) };
    const kind = where === null ? 'ClusterRole' : 'Role';
    const roleRef = { apiGroup: RBAC_GROUP, kind, name: roleName };
    await apply(client, { ...RBAC, kind, metadata, rules });
    await apply(client, { ...RBAC, kind: `${kind}Binding`, metadata, subjects, roleRef });
    for (const rule of rules) await untilAllowed(client, userName(namespace, name), rule, where);
  }
}

/** The authorizer learns of a new role a moment after the role was stored. */
async function untilAllowed(
  client: ApiClient,
  user: string,
  rule: PolicyRule,
  namespace: string | null,
): Promise<void> {
  const [group = ''] = rule.apiGroups;
  const [resource = ''] = rule.resources;
  for (const verb of rule.verbs) {
    const [name] = rule.resourceNames ?? [];
    const resourceAttributes = {
      ...{ group, resource, verb },
      ...(namespace === null ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
    };
    const review = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user, resourceAttributes },
    };
    await eventually(`${user} may ${verb} ${resource}`, async () => {
      const path = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
      const { status } = await client.must<{ status: { allowed: boolean } }>('POST', path, review);
      return status.allowed;
    });
  }
}

const userName = (namespace: string, name: string) => `system:serviceaccount:${namespace}:${name}`;

/** Signs tokens for a service account. */
export interface TokenSigner {
  issuer: string;
  /** The key that the API server signs with (P-256). */
  key: KeyObject;
}

/** The API server makes none that lives shorter. */
const SHORTEST_SECONDS = 600;

/**
 * A token of a service account. From 600 s on it is from the TokenRequest API, as the kubelet gets it; shorter ones
 * are refused there, and are signed here with the same key and claims. Below 0 it has expired already.
 *
 * The API server still takes a token for 60 s after its `exp`, and one that it has just taken for another 10 s.
 */
export async function createToken(
  client: ApiClient,
  signer: TokenSigner,
  namespace: string,
  serviceAccount: string,
  expirationSeconds: number,
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}`;
  if (expirationSeconds >= SHORTEST_SECONDS) {
    const review = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { expirationSeconds },
    };
    const answer = await client.must<{ status: { token: string } }>('POST', `${path}/token`, review);
    return answer.status.token;
  }
  const { metadata } = await client.must('GET', path);
  const now = Math.floor(Date.now() / 1000);
  const issuedAt = now + Math.min(0, expirationSeconds) - 1;
  return signToken(signer.key, {
    iss: signer.issuer,
    aud: [signer.issuer],
    sub: userName(namespace, serviceAccount),
    jti: randomUUID(),
    iat: issuedAt,
    nbf: issuedAt,
    exp: now + expirationSeconds,
    'kubernetes.io': { namespace, serviceaccount: { name: serviceAccount, uid: metadata.uid } },
  });
}

function signToken(key: KeyObject, claims: object): string {
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
  const text = `${encode({ alg: 'ES256', typ: 'JWT' })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' });
  return `${text}.${signature.toString('base64url')}`;
}
