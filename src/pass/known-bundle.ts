import { factsOf, type LeafFacts } from '../certificates';
import {
  isRefusal,
  type Digest,
  type RawBundle,
  type Refusal,
  type Source,
  type SourcedBundle,
} from '../model';
import type { UnmatchedBundle } from './unmatched-bundle';

/** The leaf of a file without a key. */
export async function leafAlone(raw: RawBundle | Refusal, { reason }: Refusal): Promise<LeafFacts | null> {
  if (isRefusal(raw) || raw.standalone !== 'leaf' || reason !== 'missing_key') return null;
  return (await factsOf(raw.cert, raw.location, undefined)).leaf;
}

/** Whether a bundle is what was known of it before. */
export function isSameAs(
  before: SourcedBundle | Refusal | undefined,
  content: Digest,
  { hosts, secret }: Partial<Pick<UnmatchedBundle, 'hosts' | 'secret'>>,
): boolean {
  if (before === undefined || isRefusal(before)) return false;
  // A Secret that was deleted and created again has another UID.
  return (
    before.content === content &&
    before.hosts?.join() === hosts?.join() &&
    before.secret?.uid === secret?.uid &&
    before.secret?.certificate === secret?.certificate
  );
}

/** Properties that a bundle inherits from its source. */
export const traitsOf = ({ create, createIsExplicit, snis, ownership }: Source, order: number) => ({
  create,
  order,
  ...(snis === undefined ? {} : { snis }),
  ...(ownership === undefined ? {} : { ownership }),
  ...(createIsExplicit === undefined ? {} : { createIsExplicit }),
});

export const bundleId = (source: Source, name: string) =>
  source.id.endsWith(name) ? source.id : `${source.id}#${name}`;
