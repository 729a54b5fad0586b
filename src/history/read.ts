import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { HistoryEntry, HistoryReport } from '../public';

export interface HistoryQuery {
  /** An SNI, a name that a wildcard among them covers, a certificate's id or a location. */
  name?: string;
  /** Milliseconds since the epoch. */
  since?: number;
  /** Most entries, the newest ones. */
  limit: number;
}

/** Larger than any file that this program writes. */
const MAX_BYTES = 1024 * 1024 * 1024;
/** Longer than any line that this program writes. */
const MAX_LINE = 64 * 1024;

/**
 * The newest entries of files first, in the order in which they were written, whatever the clock showed. A line
 * that was cut off by the end of a process is left out; a missing file has no entries.
 * @throws the system's error where a file exists and cannot be read
 */
export async function readHistory(paths: readonly string[], query: HistoryQuery): Promise<HistoryReport> {
  const found: HistoryEntry[][] = [];
  for (const path of new Set(paths)) {
    const entries: HistoryEntry[] = [];
    for (const part of [`${path}.1`, path])
      for await (const text of linesOf(part)) take(text, query, entries);
    found.push(entries);
  }
  // One file keeps its order; several are joined by their times.
  const all = found.length > 1 ? found.flat().sort((a, b) => a.at.localeCompare(b.at)) : (found[0] ?? []);
  return { entries: all.slice(-query.limit).reverse(), is_cut: all.length > query.limit };
}

function take(line: string, { name, since, limit }: HistoryQuery, entries: HistoryEntry[]): void {
  // Most lines are about other names; parsing each would cost more.
  if (name !== undefined && !line.toLowerCase().includes(tailOf(name.toLowerCase()))) return;
  let entry: HistoryEntry;
  try {
    entry = JSON.parse(line) as HistoryEntry;
  } catch {
    return;
  }
  if (!isEntry(entry)) return;
  if (since !== undefined && Date.parse(entry.at) < since) return;
  if (name !== undefined && !isAbout(entry, name)) return;
  entries.push(entry);
  // One more than is shown reveals that there are more.
  if (entries.length > 2 * limit + 1) entries.splice(0, limit);
}

/** Foreign content is skipped. */
const isEntry = (entry: Partial<Record<keyof HistoryEntry, unknown>> | null): boolean =>
  typeof entry === 'object' &&
  typeof entry?.at === 'string' &&
  Array.isArray(entry.snis) &&
  entry.snis.every((sni) => typeof sni === 'string');

function isAbout({ snis, certificate_id: id, location }: HistoryEntry, name: string): boolean {
  const wanted = name.toLowerCase();
  if (id === name || location === name) return true;
  const wildcard = wanted.replace(/^[^.]+/, '*');
  return snis.some((sni) => sni.toLowerCase() === wanted || sni.toLowerCase() === wildcard);
}

/** Also found in each wildcard that covers the name. */
const tailOf = (name: string) => (/^[^./]+(\..+)$/.exec(name)?.[1] ?? name).replaceAll(/["\\]/g, '');

/** Only of plain files: a pipe might never end. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let file;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error(`${path} is not a file`);
    if (stat.size > MAX_BYTES) throw new Error(`${path} is too large to be a history`);
    const chunks = file.createReadStream({ encoding: 'utf8', autoClose: false, end: MAX_BYTES });
    let rest = '';
    for await (const chunk of chunks as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      yield* lines;
      // The rest of an overlong line is no JSON either, and is left out with it.
      if (rest.length > MAX_LINE) rest = '?';
    }
    if (rest !== '') yield rest;
  } finally {
    await file.close();
  }
}
