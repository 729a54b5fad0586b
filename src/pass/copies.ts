import { isRefusal, type Source } from '../model';
import type { Entry } from './bundle-book';

/**
 * Finds copies of bundles: the same content in one source, or the same file in two sources. One of them is shown:
 * of a source with `create`, else of the first source, by the plainest name.
 * @returns the shown bundle by the ids of its copies
 */
export function copiesAmong(entries: ReadonlyMap<string, Entry>): Map<string, Entry> {
  const copies = new Map<string, Entry>();
  const byContent = new Map<Source, Map<string, string>>();
  const byFile = new Map<string, string>();
  const note = (index: Map<string, string>, key: string, id: string) => {
    const first = index.get(key);
    if (first === undefined) index.set(key, id);
    else if (compare(entries, id, first) < 0) {
      index.set(key, id);
      copies.set(first, entries.get(id) as Entry);
    } else copies.set(id, entries.get(first) as Entry);
  };
  const sources = new Set<Source>();
  for (const { source } of entries.values()) sources.add(source);
  for (const [id, { source, known }] of entries) {
    // Kong's own files are never shown as copies.
    if (isRefusal(known) || source.snis !== undefined) continue;
    let own = byContent.get(source);
    if (own === undefined) byContent.set(source, (own = new Map<string, string>()));
    note(own, known.content, id);
    if (sources.size > 1 && known.location.startsWith('/')) note(byFile, known.location, id);
  }
  return copies;
}

function compare(entries: ReadonlyMap<string, Entry>, a: string, b: string): number {
  const rank = (id: string): readonly number[] => {
    const { name, known } = entries.get(id) as Entry;
    const { create, order = 0 } = isRefusal(known) ? { create: false } : known;
    return [Number(!create), order, Number(name.includes('*')), name.split('/').length];
  };
  const [first, second] = [rank(a), rank(b)];
  for (const [index, value] of first.entries())
    if (value !== second[index]) return value - (second[index] ?? 0);
  return a < b ? -1 : 1;
}
