import { compareAge, type CertificateInfo, type SourcedBundle } from '../model';

export const isFromOperator = ({ ownership }: SourcedBundle): boolean => ownership !== 'tenants';

const createdAt = ({ secret }: SourcedBundle) => secret?.createdAt ?? Number.MAX_SAFE_INTEGER;

/** The administrator of another cluster dates its Secrets, so they come after those of this one. */
const isFromElsewhere = ({ secret }: SourcedBundle) => secret?.cluster !== undefined;

/**
 * Older places first: the operator's own in the order of the configuration, then those of tenants by creation.
 * Within one source of the operator the newest leaf comes first, since there are no rivals.
 */
export function byPlace(a: SourcedBundle, b: SourcedBundle): number {
  const isOwn = isFromOperator(a);
  if (isOwn !== isFromOperator(b)) return isOwn ? -1 : 1;
  const order = (a.order ?? 0) - (b.order ?? 0);
  const elsewhere = Number(isFromElsewhere(a)) - Number(isFromElsewhere(b));
  if (!isOwn && elsewhere !== 0) return elsewhere;
  return (isOwn ? order || byAge(a, b) : createdAt(a) - createdAt(b) || order) || (a.id < b.id ? -1 : 1);
}

/** Newest first; of one leaf the longer chain first. */
export const byAge = (a: SourcedBundle, b: SourcedBundle): number =>
  compareAge(b.leaf, a.leaf) || b.chainLength - a.chainLength;

/** Whether two leaves seem to have one issuer, by their names. Names are free to choose: this proves nothing. */
export function looksIssuedAlike(a: CertificateInfo, b: CertificateInfo): boolean {
  if (a.issuer === undefined || a.issuer !== b.issuer) return false;
  return (
    a.authorityKeyId === undefined || b.authorityKeyId === undefined || a.authorityKeyId === b.authorityKeyId
  );
}
