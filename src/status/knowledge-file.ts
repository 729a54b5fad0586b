import { lutimes } from 'node:fs/promises';
import { readOwnFile } from '../common/own-file';
import { removeDrafts, replaceOwnFile } from '../common/replace-file';
import { toJson } from '../common/safe-text';
import {
  isCount,
  isFlag,
  isText,
  isTimeText,
  listOf,
  oneOf,
  orAbsent,
  orNull,
  recordOf,
  type Shape,
} from '../common/shape';
import { Slices } from '../common/slices';
import { LIFE_LEVELS, REASONS, type EventKind } from '../model';
import type { RecentEvent, ReloaderStatus } from '../public';
import { isKeptRow, keptFacts, keptRow, type FactsBeside, type KeptFacts } from './kept-facts';
import type { CertificateFacts } from './facts';

/** The facts of one entry besides its certificates. */
export interface KnowledgeHead extends Pick<
  ReloaderStatus,
  'entry' | 'mode' | 'interval_seconds' | 'sources' | 'events' | 'default_certificate' | 'node_certificates'
> {
  /** The end of the last pass that could be made. */
  known_at: string;
  /** Address of the Admin API: another one may be another Kong. */
  kong: string;
  warning_days: readonly number[];
  status_listen: string | null;
  status_url: string | null;
}

/** The present facts of one entry; the certificates are walked through, and never held twice. */
export interface Knowledge {
  head: KnowledgeHead;
  certificates: () => Iterable<readonly [CertificateFacts, FactsBeside]>;
}

/** The facts of an earlier process about one entry. */
export interface KeptKnowledge {
  head: KnowledgeHead;
  certificates: readonly KeptFacts[];
}

/** Enough for 30,000 certificates. */
const MAX_BYTES = 32 * 1024 * 1024;
const CHUNK = 64 * 1024;
const FORMAT = 1;

const isOwnState = oneOf({ in_sync: 0, reload_pending: 0, refused: 0, unknown: 0 });
const isExpiry = orAbsent(oneOf(LIFE_LEVELS));
const ownFile = {
  location: isText,
  fingerprint_sha256: orNull(isText),
  not_after: orNull(isTimeText),
  served_not_before: orNull(isTimeText),
  served_not_after: orNull(isTimeText),
  expiry: isExpiry,
};
const ownGroup = { state: isOwnState, reloaded_at: orNull(isTimeText), detail: isText };

const EVENT_KINDS: Record<EventKind, 0> = {
  ...{ swapped: 0, created: 0, taken_over: 0, handed_over: 0, reverted: 0, rolled_back: 0 },
  ...{ would_change: 0, refused: 0, mended: 0, nudged: 0, removed: 0, failed: 0 },
};

const isEvent: Shape<RecentEvent> = recordOf({
  at: isTimeText,
  kind: oneOf(EVENT_KINDS),
  certificate_id: orNull(isText),
  snis: listOf(isText),
  location: isText,
  fingerprint_sha256: orNull(isText),
  reason: orNull(oneOf(REASONS)),
  detail: isText,
});

const isHead = recordOf({
  format: (value): value is typeof FORMAT => value === FORMAT,
  entry: isText,
  mode: oneOf({ apply: 0, approve: 0, observe: 0 }),
  interval_seconds: isCount,
  known_at: isTimeText,
  kong: isText,
  warning_days: listOf(isCount),
  status_listen: orNull(isText),
  status_url: orNull(isText),
  sources: listOf(
    recordOf({
      id: isText,
      up: isFlag,
      bundles: isCount,
      error: orNull(recordOf({ reason: oneOf(REASONS), message: isText, since: isTimeText })),
      stray_files: orAbsent(listOf(recordOf({ location: isText, reason: oneOf(REASONS), message: isText }))),
      stray_file_count: orAbsent(isCount),
    }),
  ),
  events: listOf(isEvent),
  default_certificate: orAbsent(
    recordOf({
      ...ownGroup,
      files: listOf(recordOf({ ...ownFile, served_without_sni_sha256: orNull(isText) })),
    }),
  ),
  node_certificates: orAbsent(
    recordOf({
      ...ownGroup,
      mode: oneOf({ observe: 0, reload: 0 }),
      files: listOf(recordOf({ ...ownFile, uses: listOf(isText), served_sha256: orNull(isText) })),
    }),
  ),
});

/** The file that keeps what is known of one entry for the next process: public facts, nothing secret. */
export class KnowledgeFile {
  constructor(readonly path: string) {}

  /**
   * Writes it in slices, without holding up anything else.
   * @throws Error of the system; the former file stays then
   */
  async save({ head, certificates }: Knowledge): Promise<void> {
    await replaceOwnFile(this.path, lines(head, certificates));
    await this.confirm(head.known_at);
  }

  /** A pass that found nothing new leaves the text and sets the file's time. @throws Error of the system */
  async confirm(knownAt: string): Promise<void> {
    const at = new Date(knownAt);
    await lutimes(this.path, at, at);
  }

  /**
   * @param now milliseconds since the epoch
   * @returns null where it is missing
   * @throws Error saying why it is not used
   */
  async load(now: number): Promise<KeptKnowledge | null> {
    removeDrafts(this.path);
    const file = readOwnFile(this.path, MAX_BYTES);
    if (file === null) return null;
    const slices = new Slices();
    const certificates: KeptFacts[] = [];
    let head: unknown = null;
    for (const line of linesOf(file.text)) {
      const row = parsed(line);
      if (head === null) {
        if (!isHead(row)) break;
        head = row;
        continue;
      }
      const kept = keptFacts(row);
      if (kept !== null) certificates.push(kept);
      else if (isEnd(row, certificates.length)) return { head: headOf(head, file.at, now), certificates };
      else break;
      if (slices.due) await slices.pause();
    }
    throw new Error('it is damaged, or of another version');
  }
}

async function* lines(head: KnowledgeHead, certificates: Knowledge['certificates']): AsyncGenerator<string> {
  const slices = new Slices();
  // A line that could not be read again is left out: one strange certificate must not cost the facts of the others.
  const events = head.events.filter(isEvent);
  let text = `${toJson({ format: FORMAT, ...head, events })}\n`;
  let [count, bytes] = [0, 0];
  for (const [facts, beside] of certificates()) {
    const row = keptRow(facts, beside);
    if (isKeptRow(row)) {
      text += `${toJson(row)}\n`;
      count += 1;
    }
    if (text.length >= CHUNK) {
      bytes += Buffer.byteLength(text);
      if (bytes > MAX_BYTES - CHUNK) throw new Error(`it would be larger than ${MAX_BYTES / 1_048_576} MiB`);
      yield text;
      text = '';
    }
    if (slices.due) await slices.pause();
  }
  yield `${text}${toJson({ end: count })}\n`;
}

/** The last line; a file that was cut off lacks it. */
const isEnd = (row: unknown, count: number): boolean =>
  typeof row === 'object' && row !== null && (row as { end?: unknown }).end === count;

function headOf(head: unknown, confirmedAt: number, now: number): KnowledgeHead {
  const { format: _, ...rest } = head as KnowledgeHead & { format: number };
  const at = Math.min(Math.max(Date.parse(rest.known_at), confirmedAt), now);
  return { ...rest, known_at: new Date(at).toISOString() };
}

function* linesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at);
    if (end === -1) return;
    yield text.slice(at, end);
    at = end + 1;
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
