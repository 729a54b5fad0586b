import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { Slices } from '../common/slices';
import type { HistoryEntry, HistoryReport } from '../public';
import { parseEntry } from './entry';

export interface HistoryQuery {
  /** An SNI, a name that a wildcard among them covers, a certificate's id or a location. */
  name?: string;
  /** Milliseconds since the epoch. */
  since?: number;
  /** Most entries, the newest ones. */
  limit: number;
  /** Most characters of their lines; default: no limit. */
  maxLength?: number;
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
  const slices = new Slices();
  const files = [];
  for (const path of new Set(paths)) {
    const newest = new Newest(query);
    for (const part of [`${path}.1`, path])
      for await (const line of linesOf(part)) {
        const entry = entryIn(line, query);
        if (entry !== null) newest.add({ entry, length: line.length });
        if (slices.due) await slices.pause();
      }
    files.push(newest.end());
  }
  const [file = new Newest(query)] = files;
  if (files.length < 2) return file.report();
  // One file keeps its order; several are joined by their times.
  const all = new Newest(query);
  const found = files.flatMap((one) => one.found);
  for (const one of found.sort((a, b) => compare(a.entry.at, b.entry.at))) all.add(one);
  return { ...all.end().report(), ...(files.some(({ isCut }) => isCut) ? { is_cut: true } : {}) };
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

interface Found {
  entry: HistoryEntry;
  /** Characters of its line. */
  length: number;
}

/** The last of what is added, limited in number and in characters. */
class Newest {
  found: readonly Found[] = [];
  isCut = false;
  #added: Found[] = [];
  #length = 0;

  constructor(private readonly most: Pick<HistoryQuery, 'limit' | 'maxLength'>) {}

  add(found: Found): void {
    this.#added.push(found);
    this.#length += found.length;
    // Now and then: to look for the oldest each time would cost more than to keep them.
    const { limit, maxLength = Infinity } = this.most;
    if (this.#added.length > 2 * limit || this.#length > 2 * maxLength) this.end();
  }

  /** Leaves out what is too much. */
  end(): this {
    const { limit, maxLength = Infinity } = this.most;
    let from = this.#added.length;
    let length = 0;
    while (from > 0 && this.#added.length - from < limit) {
      const next = length + (this.#added[from - 1]?.length ?? 0);
      if (next > maxLength) break;
      length = next;
      from -= 1;
    }
    this.isCut ||= from > 0;
    this.found = this.#added = this.#added.slice(from);
    this.#length = length;
    return this;
  }

  report(): HistoryReport {
    return { entries: this.found.map(({ entry }) => entry).reverse(), is_cut: this.isCut };
  }
}

function entryIn(line: string, { name, since }: HistoryQuery): HistoryEntry | null {
  // Most lines are about other names; parsing each would cost more.
  if (name !== undefined && !line.toLowerCase().includes(tailOf(name.toLowerCase()))) return null;
  const entry = parseEntry(line);
  if (entry === null) return null;
  if (since !== undefined && Date.parse(entry.at) < since) return null;
  return name === undefined || isAbout(entry, name) ? entry : null;
}

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
