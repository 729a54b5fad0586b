import { factsOf, type LeafFacts } from '../certificates';
import {
  isRefusal,
  type Bundle,
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

/**
 * A bundle with what it inherits from its source. Written out field by field, in one order: V8 gives each object that is made
 * by spreading a hidden class of its own, which takes 400 bytes and makes every access slow.
 */
export function sourced(bundle: Bundle, id: string, source: Source, order: number): SourcedBundle {
  const { isCompleted, openEnd, secret, hosts } = bundle;
  const { createIsExplicit, snis, ownership } = source;
  const known: SourcedBundle = {
    location: bundle.location,
    content: bundle.content,
    rawChain: bundle.rawChain,
    chain: bundle.chain,
    chainLength: bundle.chainLength,
    reach: bundle.reach,
    leaf: bundle.leaf,
    id,
    create: source.create,
    order,
    openEnd,
    createIsExplicit,
  };
  if (isCompleted !== undefined) known.isCompleted = isCompleted;
  if (secret !== undefined) known.secret = secret;
  if (hosts !== undefined) known.hosts = hosts;
  if (snis !== undefined) known.snis = snis;
  if (ownership !== undefined) known.ownership = ownership;
  return known;
}

/** Joined from a list: V8 would keep the result of a template in parts. */
export const bundleId = (source: Source, name: string) =>
  source.id.endsWith(name) ? source.id : [source.id, name].join('#');
