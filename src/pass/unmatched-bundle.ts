import { readPem, type PemContent } from '../certificates';
import { inSlices } from '../common/slices';
import {
  isRefusal,
  type Digest,
  type RawBundle,
  type Reading,
  type Refusal,
  type SecretRef,
  type Source,
} from '../model';
import { readSafely } from './reading';
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

/** Reads bundles. Slow reads of one source hold up no other one. */
export async function readUnmatched(
  wanted: ReadonlyMap<Source, Iterable<string>>,
  progress: ProgressListener | undefined,
): Promise<UnmatchedBundle[]> {
  let held = 0;
  const readAll = async ([source, names]: [Source, Iterable<string>]): Promise<UnmatchedBundle[]> => {
    const found: UnmatchedBundle[] = [];
    const take = (name: string, raw: Reading) => {
      const seen = unmatched(source, name, raw, held < MAX_HELD_CHARS);
      if (seen.raw !== undefined && seen.raw !== null && !isRefusal(seen.raw)) held += seen.raw.cert.length;
      found.push(seen);
      progress?.step();
    };
    await inSlices(names, (name) => {
      // Awaited only where it is a promise: an await for each of 10,000 files costs as much as parsing them.
      const reading = readSafely(source, name);
      if (reading instanceof Promise) return reading.then((raw) => take(name, raw));
      take(name, reading);
    });
    return found;
  };
  return (await Promise.all([...wanted].map(readAll))).flat();
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
