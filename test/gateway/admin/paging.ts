import type { Row } from '../entities/rows';
import type { Table } from '../entities/table';
import { invalidOffset, invalidSize } from '../refusal';
import { isUuid } from '../uuid';
import type { Answer } from './exchange';

const DEFAULT_SIZE = 100;
const MAX_SIZE = 1000;

export interface Listing {
  table: Table;
  /** The collection's path, for the link to the next page. */
  path: string;
  query: URLSearchParams;
  present: (row: Row) => Row;
  wanted?: (row: Row) => boolean;
}

/** One page of a collection: `size`, `offset` and `tags` of the query, the rest is ignored as Kong does. */
export function page({ table, path, query, present, wanted = () => true }: Listing): Answer {
  const size = readSize(query.get('size'));
  const after = readOffset(query.get('offset'));
  const hasTags = tagFilter(query.get('tags'));
  const { rows, more } = table.page(size, after, (row) => hasTags(row) && wanted(row));
  const last = rows.at(-1);
  if (!more || last === undefined) return { status: 200, body: { data: rows.map(present), next: null } };
  const offset = Buffer.from(JSON.stringify([last.id])).toString('base64url');
  const tags = query.has('tags') ? `&tags=${encodeURIComponent(query.get('tags') ?? '')}` : '';
  const sizeAgain = query.has('size') ? `&size=${query.get('size') ?? ''}` : '';
  const next = `${path}?offset=${offset}${tags}${sizeAgain}`;
  return { status: 200, body: { data: rows.map(present), offset, next } };
}

function readSize(text: string | null): number {
  if (text === null) return DEFAULT_SIZE;
  const size = Number(text);
  if (text === '' || Number.isNaN(size)) throw invalidSize('size must be a number');
  if (!Number.isInteger(size) || size < 1 || size > MAX_SIZE) {
    throw invalidSize(`size must be an integer between 1 and ${MAX_SIZE}`);
  }
  return size;
}

function readOffset(text: string | null): string | null {
  if (text === null) return null;
  try {
    const decoded: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    const id: unknown = Array.isArray(decoded) ? decoded[0] : undefined;
    if (isUuid(id)) return id;
  } catch {
    // Refused below.
  }
  throw invalidOffset(text);
}

/** `a,b` asks for all of the tags, `a/b` for any. */
function tagFilter(text: string | null): (row: Row) => boolean {
  if (text === null || text === '') return () => true;
  const any = text.includes('/');
  const tags = text.split(any ? '/' : ',');
  return (row) => {
    const own = Array.isArray(row['tags']) ? row['tags'] : [];
    return any ? tags.some((tag) => own.includes(tag)) : tags.every((tag) => own.includes(tag));
  };
}
