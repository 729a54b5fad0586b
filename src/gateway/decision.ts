import { readPem } from '../certificates';
import { isChainOf, refusal, type Change, type PemPair, type StoredHalf, type WriteResult } from '../model';
import { changedError } from './admin/answers';

export type Update = Extract<Change, { kind: 'update' }>;
export type Create = Extract<Change, { kind: 'create' }>;

/** What is left to do of an update after Kong was read again, or its result if nothing is. */
type Decision = { kind: 'write'; isPairThere: boolean } | Exclude<WriteResult, { kind: 'written' }>;

/** @param now the half as it is in Kong now */
export function decideUpdate(
  change: Update,
  now: Pick<StoredHalf, 'content' | 'chain' | 'vaultReference'> | null,
): Decision {
  const { bundle, half, certificate, addSnis, moveSnis = [], removeSnis = [], split } = change;
  if (now?.vaultReference === true) {
    const why = `certificate ${certificate.id} is a vault reference; its vault renews it`;
    return { kind: 'refused', change, refusal: refusal('vault_reference', why) };
  }
  const isPairThere = isChainOf(bundle, now?.chain, change.isOfController);
  const isRenamed = addSnis.length + moveSnis.length + removeSnis.length > 0 || split !== undefined;
  if (isPairThere) return isRenamed ? { kind: 'write', isPairThere } : { kind: 'already', change };
  // Another writer was faster, and its certificate may be newer.
  if (now?.content !== certificate[half]?.content)
    return { kind: 'conflict', change, error: changedError(certificate.id) };
  return { kind: 'write', isPairThere };
}

/**
 * What is left to do of a creation where that id exists: nothing, or a new plan. A creation never replaces a
 * certificate that another writer has made.
 */
export function decideCreation(
  change: Create,
  now: { chain: string; snis: readonly string[] },
): Exclude<Decision, { kind: 'write' }> {
  const hasAll = change.snis.every((sni) => now.snis.includes(sni));
  return hasAll && isChainOf(change.bundle, now.chain)
    ? { kind: 'already', change }
    : { kind: 'conflict', change, error: changedError(change.id) };
}

/** Compared by content: Kong may return a text with different white space. */
export function isSamePair(a: PemPair | null, b: PemPair | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.cert === b.cert && a.key === b.key) return true;
  const content = (pair: PemPair) => readPem(pair.cert, pair.key)?.content ?? `${pair.cert}${pair.key}`;
  return content(a) === content(b);
}
