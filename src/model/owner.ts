import type { SourcedBundle } from './certificate';

/** Owner of a place: the operator, or one tenant of a cluster. */
export function ownerOf({ id, ownership, secret }: SourcedBundle): string {
  if (ownership !== 'tenants') return '';
  return secret === undefined ? id : `${secret.cluster ?? ''}/${secret.namespace}`;
}

/**
 * Orders items so that every owner has one before any has a second: whoever has many fills only what the others leave.
 * @param items the best first
 */
export function inTurn<V>(items: readonly V[], ownerOf: (item: V) => string): V[] {
  const counts = new Map<string, number>();
  const ranked = items.map((item) => {
    const owner = ownerOf(item);
    const rank = counts.get(owner) ?? 0;
    counts.set(owner, rank + 1);
    return { item, rank };
  });
  return ranked.sort((a, b) => a.rank - b.rank).map(({ item }) => item);
}
