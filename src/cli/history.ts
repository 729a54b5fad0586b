import { basename } from 'node:path';
import { findState } from '../gateway';
import { historyPath, readHistory } from '../history';
import { unreachable } from '../model';
import type { HistoryActor, HistoryEntry, HistoryKind, HistoryReport } from '../public';
import { tell } from './failure';
import type { SocketOptions } from './options';
import { day, duration, someOf, standardOutput, type Output, type Paint } from './output';
import { addressOf, fetchHistory } from './status/client';
import { table, type Column } from './table';
import { timeOf } from './time';

export interface HistoryOptions extends SocketOptions {
  since?: string;
  limit: number;
  file?: string;
  json?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'TIME (UTC)' },
  { title: 'WHAT' },
  { title: 'NAMES', flexible: true },
  { title: 'DETAIL', flexible: true, below: true },
];

/** @returns the exit code: 2 where nothing is known */
export async function history(name: string | undefined, options: HistoryOptions): Promise<number> {
  const report = await find(name, options);
  const out = standardOutput();
  if (options.json === true) out.json(report);
  else print(report, name, out);
  return report.entries.length === 0 ? 2 : 0;
}

/** Asks the running process, which knows where its history is; without one the file in the prefix is read. */
async function find(name: string | undefined, options: HistoryOptions): Promise<HistoryReport> {
  const { limit, file, prefix, url } = options;
  const since = options.since === undefined ? null : timeOf('--since', options.since, Date.now(), -1);
  const query = {
    limit,
    ...(name === undefined ? {} : { name }),
    ...(since === null ? {} : { since }),
  };
  if (file !== undefined) return readHistory([file], query);
  try {
    return await fetchHistory(addressOf(options), {
      limit: String(limit),
      ...(name === undefined ? {} : { name }),
      ...(since === null ? {} : { since: new Date(since).toISOString() }),
    });
  } catch (error) {
    if (url !== undefined) throw error;
    const path = findState(prefix, basename(historyPath(prefix)));
    const report = await readHistory([path], query).catch(() => null);
    if (report === null || report.entries.length === 0) throw error;
    tell(`${(error as Error).message}\nread from ${path} instead`);
    return report;
  }
}

function print({ entries, is_cut: isCut }: HistoryReport, name: string | undefined, out: Output): void {
  if (entries.length === 0) {
    out.print(name === undefined ? 'nothing happened' : `the history has no entry for ${name}`);
    return;
  }
  if (isCut) out.print(out.paint('dim', `… the latest ${entries.length}; --limit shows more`));
  const rows: string[][] = [];
  let before = '';
  for (const entry of [...entries].reverse()) {
    const isBack = entry.at < before;
    before = entry.at;
    const [word, style] = WORDS[entry.kind];
    rows.push([
      entry.at.slice(0, 19).replace('T', ' '),
      out.paint(style, word),
      entry.snis.length === 0 ? '-' : someOf(entry.snis),
      `${detailOf(entry)}${isBack ? ' (the clock was set back before)' : ''}`,
    ]);
  }
  out.print(table(COLUMNS, rows, out));
}

const WORDS: Record<HistoryKind, readonly [word: string, style: Parameters<Paint>[0]]> = {
  seen: ['seen', 'dim'],
  created: ['created', 'green'],
  swapped: ['swapped', 'green'],
  taken_over: ['taken over', 'green'],
  handed_over: ['handed over', 'yellow'],
  rolled_back: ['rolled back', 'red'],
  refused: ['refused', 'red'],
  mended: ['mended', 'green'],
  would_change: ['would change', 'yellow'],
  reverted: ['reverted', 'yellow'],
  nudged: ['nudged', 'yellow'],
  removed: ['removed', 'yellow'],
  failed: ['failed', 'red'],
  changed: ['changed', 'yellow'],
  appeared: ['appeared', 'yellow'],
  vanished: ['vanished', 'yellow'],
  source_down: ['source down', 'red'],
  source_up: ['source back', 'green'],
  kong_away: ['Kong away', 'red'],
  kong_back: ['Kong back', 'green'],
  started: ['started', 'dim'],
  pinned: ['pinned', 'yellow'],
  unpinned: ['unpinned', 'dim'],
  approved: ['approved', 'green'],
  gap: ['gap', 'yellow'],
};

const ACTORS: Record<HistoryActor, string> = {
  us: 'by ssl-cert-reloader',
  ingress_controller: 'by the ingress controller',
  other: 'by somebody else in Kong',
  operator: 'by an operator',
};

function detailOf(entry: HistoryEntry): string {
  const { kind, by, location, source, detail, reason, proof, certificate_id: id } = entry;
  const { fingerprint_sha256: to, previous_fingerprint_sha256: from } = entry;
  const until = entry.not_after === null ? '' : ` (until ${day(entry.not_after)})`;
  const what = `${short(from)} → ${short(to)}${until}`;
  const who = by === null ? [] : [ACTORS[by]];
  const proven =
    proof === null
      ? []
      : [`${proof.verdict} (${proof.handshakes} handshakes, ${duration(proof.duration_ms)})`];
  const place = location === null ? [] : [`from ${location}`];
  const said = detail === '' ? [] : [detail];
  const where = id === null ? [] : [`certificate ${id}`];
  switch (kind) {
    case 'created':
    case 'swapped':
    case 'taken_over':
    case 'handed_over':
    case 'reverted':
      return [what, ...place, ...who, ...proven, ...said].join(', ');
    case 'rolled_back':
      return [`${short(to)} → ${short(from)} again`, ...who, ...proven, ...said].join(', ');
    case 'seen':
    case 'would_change':
    case 'approved':
      return [what, ...place, ...who, ...said].join(', ');
    case 'pinned':
    case 'unpinned':
      return [...who, ...said].join(', ');
    case 'changed':
    case 'appeared':
    case 'vanished':
      return [what, ...where, ...who].join(', ');
    case 'refused':
    case 'mended':
      return `${kind === 'mended' ? 'it was: ' : ''}${detail}${reason === null ? '' : ` (${reason})`}`;
    case 'nudged':
    case 'removed':
    case 'failed':
      return [...where, ...said].join(', ');
    case 'source_down':
    case 'source_up':
      return [...(source === null ? [] : [source]), ...said].join(': ');
    case 'kong_away':
    case 'kong_back':
    case 'started':
    case 'gap':
      return detail;
    default:
      return unreachable(kind);
  }
}

const short = (fingerprint: string | null): string =>
  fingerprint === null ? 'nothing' : fingerprint.slice(0, 11);
