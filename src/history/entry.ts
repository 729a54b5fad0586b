import { REASONS, type Half, type Reason, type Verdict } from '../model';
import type { HistoryActor, HistoryEntry, HistoryKind } from '../public';

/*
 * The file of the history is in a folder that others may write to, and may be another version's: what is shown was
 * looked at field by field.
 */

const KINDS: Record<HistoryKind, true> = {
  seen: true,
  created: true,
  swapped: true,
  taken_over: true,
  handed_over: true,
  rolled_back: true,
  refused: true,
  mended: true,
  would_change: true,
  reverted: true,
  nudged: true,
  removed: true,
  failed: true,
  changed: true,
  appeared: true,
  vanished: true,
  source_down: true,
  source_up: true,
  kong_away: true,
  kong_back: true,
  started: true,
  pinned: true,
  unpinned: true,
  approved: true,
  gap: true,
};
const ACTORS: Record<HistoryActor, true> = {
  us: true,
  ingress_controller: true,
  other: true,
  operator: true,
};
const HALVES: Record<Half, true> = { main: true, alt: true };
const VERDICTS: Record<Verdict, true> = {
  served: true,
  wrong: true,
  another: true,
  unreachable: true,
  overwritten: true,
};

/** More names help nobody. */
export const MAX_SNIS = 20;

type Fields = Readonly<Record<string, unknown>>;

/** An entry of this form, with its known fields alone; null: the line holds none. */
export function parseEntry(line: string): HistoryEntry | null {
  // Most lines that are none are told without the cost of an error.
  if (!line.startsWith('{')) return null;
  let found: Fields;
  try {
    found = JSON.parse(line) as Fields;
  } catch {
    return null;
  }
  const { at, kind, snis, proof } = found;
  const names = Array.isArray(snis) && snis.every((sni) => typeof sni === 'string') ? snis : null;
  if (!isTime(at) || !isOneOf(KINDS, kind) || names === null) return null;
  return {
    at,
    entry: textOf(found.entry) ?? '',
    kind,
    by: isOneOf(ACTORS, found.by) ? found.by : null,
    certificate_id: textOf(found.certificate_id),
    half: isOneOf(HALVES, found.half) ? found.half : null,
    snis: names.slice(0, MAX_SNIS),
    location: textOf(found.location),
    source: textOf(found.source),
    fingerprint_sha256: textOf(found.fingerprint_sha256),
    previous_fingerprint_sha256: textOf(found.previous_fingerprint_sha256),
    not_after: isTime(found.not_after) ? found.not_after : null,
    reason: isOneOf<Reason>(REASONS, found.reason) ? found.reason : null,
    detail: textOf(found.detail) ?? '',
    proof: proofOf(proof),
  };
}

function proofOf(found: unknown): HistoryEntry['proof'] {
  const { verdict, handshakes, duration_ms: ms } = Object(found) as Fields;
  if (!isOneOf(VERDICTS, verdict) || typeof handshakes !== 'number' || typeof ms !== 'number') return null;
  return { verdict, handshakes, duration_ms: ms };
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);

/** ISO 8601; other forms that `Date` reads sort differently. */
const isTime = (value: unknown): value is string =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\d/.test(value) && !Number.isNaN(Date.parse(value));

const isOneOf = <Word extends string>(
  words: Readonly<Record<Word, unknown>>,
  value: unknown,
): value is Word => typeof value === 'string' && Object.hasOwn(words, value);
