import { readPem, type PemContent } from '../certificates';
import type { MaybePromise } from '../common/maybe-async';
import { Slices } from '../common/slices';
import {
  isRefusal,
  type Digest,
  type RawBundle,
  type Reading,
  type Refusal,
  type SecretRef,
  type Source,
} from '../model';
import { charsOf, readSafely } from './reading';
import type { ProgressListener } from './step';

/** A bundle before it is known whether Kong has it. */
export interface UnmatchedBundle {
  source: Source;
  name: string;
  /** Undefined: not kept, to be read again when needed. */
  raw: RawBundle | Refusal | null | undefined;
  location: string;
  secret: SecretRef | undefined;
  hosts: readonly string[] | undefined;
  /** Whether certificates lie beside it that may complete its chain. */
  hasIssuers: boolean;
  /** Null where Kong cannot have this very text. */
  pem: { content: Digest; chainLength: number } | null;
  /** `raw` as `readPem` took it apart; undefined where `raw` is. */
  pemContent: PemContent | undefined;
}

/** Most characters of texts that are kept until Kong has answered; those of 10,000 bundles would take 35 MB. */
const MAX_HELD_CHARS = 2 * 1024 * 1024;

/** Bundles of one source in their order; a promise where one has to be waited for. */
export type Readings = Iterable<MaybePromise<UnmatchedBundle>>;

/**
 * Reads the bundles that have to be waited for; slow reads of one source hold up no other one. All others are read when their
 * turn comes, once it is known what Kong has: 10,000 texts, or what was found in them, need not be kept until then.
 */
export function readSlow(
  wanted: ReadonlyMap<Source, ReadonlySet<string>>,
  progress: ProgressListener | undefined,
): Promise<Readings[]> {
  let held = 0;
  const readAll = async ([source, names]: [Source, ReadonlySet<string>]): Promise<Readings> => {
    const found: UnmatchedBundle[] = [];
    const slices = new Slices();
    const left = names.values();
    for (const name of left) {
      const reading = readSafely(source, name);
      if (!(reading instanceof Promise)) return oneByOne(source, found, [name, ...left], progress);
      const seen = unmatched(source, name, await reading, held < MAX_HELD_CHARS);
      if (seen.raw !== undefined && seen.raw !== null && !isRefusal(seen.raw)) held += charsOf(seen.raw);
      found.push(seen);
      progress?.step();
      if (slices.due) await slices.pause();
    }
    return found;
  };
  return Promise.all([...wanted].map(readAll));
}

function* oneByOne(
  source: Source,
  found: readonly UnmatchedBundle[],
  left: Iterable<string>,
  progress: ProgressListener | undefined,
): Readings {
  yield* found;
  for (const name of left) {
    progress?.step();
    const reading = readSafely(source, name);
    yield reading instanceof Promise
      ? reading.then((raw) => unmatched(source, name, raw, true))
      : unmatched(source, name, reading, true);
  }
}

function unmatched(source: Source, name: string, raw: Reading, isKept: boolean): UnmatchedBundle {
  if (raw === null || isRefusal(raw))
    return {
      source,
      name,
      raw,
      location: name,
      secret: undefined,
      hosts: undefined,
      hasIssuers: false,
      pem: null,
      pemContent: undefined,
    };
  const found = readPem(raw.cert, raw.key);
  return {
    source,
    name,
    raw: isKept || found === null ? raw : undefined,
    location: raw.location,
    secret: raw.secret,
    hosts: raw.hosts,
    hasIssuers: raw.issuers !== undefined,
    // Other formats than PEM cannot be in Kong to the letter.
    pem:
      found === null || found.certificates.length === 0
        ? null
        : { content: found.content, chainLength: found.certificates.length },
    pemContent: isKept ? (found ?? undefined) : undefined,
  };
}
