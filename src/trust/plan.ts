import {
  compareAge,
  deterministicId,
  refusal,
  type CaCertificate,
  type CaChange,
  type Refusal,
  type StoredCa,
} from '../model';

/** The content of one source of trust. */
export interface TrustedBundle {
  source: string;
  /** Tags of the entities created for it; the last is the source's own. */
  tags: readonly [ours: string, own: string];
  certificates: readonly TrustedCa[];
  /** Whether everything could be read and parsed: then what is missing is really gone. */
  isWhole: boolean;
  /** For sources of tenants: tags of objects that could not; only what was created for these may still be there. */
  unread?: ReadonlySet<string>;
}

export interface TrustedCa extends CaCertificate {
  /**
   * For sources of tenants: the tag of entities created for this object, which alone may replace them. Left out:
   * the source is the operator's own, and every file of it may.
   */
  object?: string;
}

interface TrustPlan {
  changes: CaChange[];
  /** Entities of ours whose certificate left its bundle. */
  gone: StoredCa[];
  /** Refusals by certificate. */
  refused: Map<string, Refusal>;
  /** Number of the bundles' certificates that Kong has. */
  inSync: number;
}

/** Key of a certificate's refusals. */
export const refusalId = ({ location, fingerprint }: CaCertificate): string => `${location}#${fingerprint}`;

interface TrustPlanInput {
  bundles: readonly TrustedBundle[];
  stored: ReadonlyMap<string, StoredCa>;
  /** Milliseconds since the epoch. */
  now: number;
  allowDowngrade: boolean;
  /** Certificates that Kong refused, by digest. */
  refusedByKong: ReadonlyMap<string, Refusal>;
}

/**
 * Decides the changes to Kong's CA certificates; pure. Services and plugins refer to them by id, so a renewed entity
 * keeps its id:
 * 1. an entity with this very certificate, whoever made it, is in step;
 * 2. an entity with the same subject, key and issuer gets the newer certificate, unless a tenant would decide that, or a
 *    root is not signed by its own key;
 * 3. an entity of this source with the same subject, whose own certificate left the bundle, gets its replacement;
 * 4. otherwise one is created.
 *
 * In a source of tenants, 2 and 3 hold only for entities that were created for the same object.
 */
export function planTrust(input: TrustPlanInput): TrustPlan {
  const plan: TrustPlan = { changes: [], gone: [], refused: new Map(), inSync: 0 };
  const claimed = new Set<string>();
  const byDigest = new Map([...input.stored.values()].map((entity) => [entity.digest, entity]));
  const present = new Set(
    input.bundles.flatMap(({ certificates }) => certificates.map(({ digest }) => digest)),
  );
  for (const digest of present) {
    const entity = byDigest.get(digest);
    if (entity !== undefined) claimed.add(entity.id);
  }
  const written = new Set<string>();
  for (const bundle of input.bundles) {
    for (const ca of fitOf(bundle, input, plan)) {
      if (byDigest.has(ca.digest)) plan.inSync += 1;
      else if (!written.has(ca.digest)) {
        written.add(ca.digest);
        place(input, plan, bundle, ca, claimed);
      }
    }
  }
  for (const { tags, certificates, isWhole, unread } of input.bundles) {
    if (!isWhole || certificates.length === 0) continue;
    const isUnread = (tag: string) => unread?.has(tag) === true;
    for (const entity of input.stored.values()) {
      if (claimed.has(entity.id) || !entity.tags.includes(tags[1]) || entity.tags.some(isUnread)) continue;
      plan.gone.push(entity);
    }
  }
  return plan;
}

/** The newest of each identity that may be trusted now; a tenant's never displaces another's. */
function fitOf(
  bundle: TrustedBundle,
  { now, refusedByKong }: TrustPlanInput,
  plan: TrustPlan,
): Iterable<TrustedCa> {
  const newest = new Map<string, TrustedCa>();
  for (const ca of bundle.certificates) {
    const why = ca.problem ?? validity(ca, now) ?? refusedByKong.get(ca.digest) ?? null;
    if (why !== null) plan.refused.set(refusalId(ca), why);
    else {
      const key = `${ca.object ?? ''} ${ca.identity}`;
      if (compareAge(ca, newest.get(key) ?? NEVER) > 0) newest.set(key, ca);
    }
  }
  return newest.values();
}

const NEVER = { notBefore: Number.NEGATIVE_INFINITY, notAfter: 0 };

function validity(
  { notBefore, notAfter, fingerprint, location }: CaCertificate,
  now: number,
): Refusal | null {
  const which = `the CA certificate ${fingerprint.slice(0, 23)}… in ${location}`;
  const day = (ms: number) => new Date(ms).toISOString();
  if (notAfter <= now)
    return refusal('expired', `${which} expired at ${day(notAfter)}; take it out of the bundle`);
  if (notBefore > now)
    return refusal('not_yet_valid', `${which} is valid from ${day(notBefore)} on, and will be used then`);
  return null;
}

function place(
  { stored, allowDowngrade }: TrustPlanInput,
  plan: TrustPlan,
  { source, tags }: TrustedBundle,
  ca: TrustedCa,
  claimed: Set<string>,
): void {
  const free = [...stored.values()].filter(({ id }) => !claimed.has(id));
  const isOwn = (entity: StoredCa) => entity.tags.includes(ca.object ?? tags[1]);
  const isProven = ca.object === undefined && ca.isSelfSigned !== false;
  const same = free.find(
    (entity) => entity.certificate?.identity === ca.identity && (isProven || isOwn(entity)),
  );
  if (same !== undefined) {
    claimed.add(same.id);
    if (allowDowngrade || compareAge(ca, same.certificate ?? NEVER) >= 0) {
      plan.changes.push({ kind: 'update', id: same.id, ca });
      return;
    }
    const why = `${ca.location} has an older certificate of a CA than entity ${same.id} in Kong; set allow_downgrade to use it anyway`;
    plan.refused.set(refusalId(ca), refusal('older_than_stored', why));
    return;
  }
  const replaced = free.find((entity) => isOwn(entity) && entity.certificate?.subject === ca.subject);
  if (replaced !== undefined) {
    claimed.add(replaced.id);
    plan.changes.push({ kind: 'update', id: replaced.id, ca });
    return;
  }
  // The entity created for this one may hold its successor by now.
  const first = deterministicId('ca_certificate', `${source} ${ca.identity}`);
  const id = stored.has(first) ? deterministicId('ca_certificate', `${source} ${ca.digest}`) : first;
  plan.changes.push({ kind: 'create', id, ca, tags: ca.object === undefined ? tags : [...tags, ca.object] });
}
