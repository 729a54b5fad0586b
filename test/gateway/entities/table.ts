import type { EntityType } from './definitions';
import { fieldsOf } from '../schema/field';
import type { Row } from './rows';

/** The rows of one type, by id and by each unique field. */
export class Table {
  readonly #rows = new Map<string, Row>();
  readonly #indexes = new Map<string, Map<string, string>>();
  #sorted: string[] | null = null;

  constructor(
    readonly type: EntityType,
    rows: readonly Row[] = [],
  ) {
    for (const [name, field] of fieldsOf(type)) if (field.unique === true) this.#indexes.set(name, new Map());
    for (const row of rows) this.put(row);
  }

  get size(): number {
    return this.#rows.size;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  getBy(field: string, value: string): Row | undefined {
    const id = this.#indexes.get(field)?.get(value);
    return id === undefined ? undefined : this.#rows.get(id);
  }

  /** The other row that already has one of this row's unique values, with the field's name. */
  clash(row: Row): { field: string; value: string } | null {
    for (const [field, index] of this.#indexes) {
      const value = row[field];
      const owner = typeof value === 'string' ? index.get(value) : undefined;
      if (owner !== undefined && owner !== row.id) return { field, value: value as string };
    }
    return null;
  }

  put(row: Row): void {
    const before = this.#rows.get(row.id);
    if (before === undefined) this.#sorted = null;
    else this.#unindex(before);
    this.#rows.set(row.id, row);
    for (const [field, index] of this.#indexes) {
      const value = row[field];
      if (typeof value === 'string') index.set(value, row.id);
    }
  }

  delete(id: string): Row | undefined {
    const row = this.#rows.get(id);
    if (row === undefined) return undefined;
    this.#unindex(row);
    this.#rows.delete(id);
    this.#sorted = null;
    return row;
  }

  /** Ids in order: pages come in the order of the primary key. */
  ids(): readonly string[] {
    // Without a comparison function, strings are sorted by code units.
    this.#sorted ??= [...this.#rows.keys()].sort();
    return this.#sorted;
  }

  *rows(): Generator<Row> {
    for (const id of this.ids()) {
      const row = this.#rows.get(id);
      if (row !== undefined) yield row;
    }
  }

  /** Up to `size` rows after the id `after`, and whether there are more. */
  page(size: number, after: string | null, wanted: (row: Row) => boolean): { rows: Row[]; more: boolean } {
    const ids = this.ids();
    const rows: Row[] = [];
    for (let at = after === null ? 0 : firstAfter(ids, after); at < ids.length; at++) {
      const row = this.#rows.get(ids[at] ?? '');
      if (row === undefined || !wanted(row)) continue;
      if (rows.length === size) return { rows, more: true };
      rows.push(row);
    }
    return { rows, more: false };
  }

  #unindex(row: Row): void {
    for (const [field, index] of this.#indexes) {
      const value = row[field];
      if (typeof value === 'string' && index.get(value) === row.id) index.delete(value);
    }
  }
}

function firstAfter(ids: readonly string[], id: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? '') <= id) low = middle + 1;
    else high = middle;
  }
  return low;
}
