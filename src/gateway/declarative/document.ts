import { Slices } from '../../common/slices';
import { Failure } from '../../model';
import { Item } from './item';

/**
 * The declarative configuration as `GET /config` exports it, edited as text: whatever is not edited stays to the
 * letter, so that no YAML library can turn `on` into true or lose a digit of a number. The layout is that of Kong's
 * emitter (kong/db/declarative/export.lua): entity types at column 0, each entity a list item at column 0, its
 * fields at column 2, deeper lines belong to the field above.
 */
export class DeclarativeDocument {
  readonly #sections = new Map<string, Section>();

  /**
   * Drops the SNIs nested under their certificates: the export has them at top level as well, and Kong refuses the
   * duplicates.
   * @throws Failure for another layout
   */
  constructor(text: string) {
    const layout = new Layout(this.#sections);
    layout.add(text);
    layout.end();
  }

  /**
   * Reads a text in parts, with pauses for other work.
   * @throws Failure
   */
  static async read(parts: Iterable<string>): Promise<DeclarativeDocument> {
    const document = new DeclarativeDocument('');
    const layout = new Layout(document.#sections);
    const slices = new Slices();
    for (const part of parts) {
      layout.add(part);
      await slices.pause();
    }
    layout.end();
    return document;
  }

  items(section: string): Iterable<Item> {
    return this.#sections.get(section)?.items.values() ?? [];
  }

  find(section: string, id: string): Item | undefined {
    return this.#sections.get(section)?.items.get(id);
  }

  /** Sets fields of an entity of any type, which is created where it is missing. */
  put(
    section: string,
    id: string,
    fields: Readonly<Record<string, string | readonly string[] | null>>,
  ): Item {
    const { items } = this.ensure(section);
    const item = items.get(id) ?? Item.of({ id });
    items.set(id, item);
    item.setAll(fields);
    return item;
  }

  /** Removes an entity of any type. */
  take(section: string, id: string): void {
    this.#sections.get(section)?.items.delete(id);
  }

  /** Ids that occur outside of their own entity and of its dependents. */
  referredTo(section: string, ids: ReadonlySet<string>, dependents = ''): Set<string> {
    const found = new Set<string>();
    if (ids.size === 0) return found;
    for (const { name, items } of this.#sections.values()) {
      if (name === dependents) continue;
      for (const [own, item] of items) {
        for (const [id] of item.toString().matchAll(UUID)) {
          if (ids.has(id) && !(name === section && id === own)) found.add(id);
        }
      }
    }
    return found;
  }

  toString(): string {
    return [...this.parts()].join('');
  }

  /** The text, in many small parts. */
  *parts(): Iterable<string> {
    for (const { head, items, isList } of this.#sections.values()) {
      // An empty list has another notation.
      if (isList && items.size === 0) continue;
      yield head;
      for (const item of items.values()) yield item.toString();
    }
  }

  private ensure(name: string): Section {
    const existing = this.#sections.get(name);
    if (existing?.isList === true) return existing;
    // `certificates: []` cannot take items.
    this.#sections.delete(name);
    const section = { name, head: `${name}:\n`, items: new Map<string, Item>(), isList: true };
    this.#sections.set(name, section);
    return section;
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** One key at column 0; `head` is its line (for scalars, everything). */
interface Section {
  name: string;
  head: string;
  /** Items by id, in order. */
  items: Map<string, Item>;
  /** True for a list of entities; an empty one is left out, since it has another notation. */
  isList: boolean;
}

const TOP_LEVEL = /^([A-Za-z_][\w-]*):/;
/** The line feed before the next line that belongs to no item. */
const AFTER_ITEM = /\n[^ \n]/g;

/** Splits a text into sections and items. */
class Layout {
  #section: Section | null = null;
  /** The part of the text that may continue in the next one. */
  #rest = '';

  constructor(private readonly sections: Map<string, Section>) {}

  add(part: string): void {
    const text = this.#rest + part;
    let at = 0;
    for (;;) {
      const end = text.startsWith('- ', at) ? endOfItem(text, at) : text.indexOf('\n', at) + 1;
      if (end <= 0) break;
      this.take(text.slice(at, end));
      at = end;
    }
    this.#rest = text.slice(at);
  }

  /** @throws Failure */
  end(): void {
    const rest = `${this.#rest.replace(/\n$/, '')}\n`;
    if (rest !== '\n') this.take(rest);
  }

  /** @param lines an item, or one line */
  private take(lines: string): void {
    const section = this.#section;
    const name = TOP_LEVEL.exec(lines)?.[1];
    if (name !== undefined) {
      this.#section = { name, head: lines, items: new Map(), isList: false };
      this.sections.set(name, this.#section);
    } else if (section !== null && lines.startsWith('- ')) {
      const item = new Item(lines);
      if (section.name === 'certificates') item.set('snis', null);
      section.isList = true;
      section.items.set(item.get('id') ?? `#${section.items.size}`, item);
    } else if (section !== null && lines.startsWith(' ')) section.head += lines;
    else if (lines !== '\n') throw unknownLayout(lines);
  }
}

/** Position behind the last line of an item; 0 where the text ends before that. */
function endOfItem(text: string, at: number): number {
  AFTER_ITEM.lastIndex = at;
  const next = AFTER_ITEM.exec(text);
  return next === null ? 0 : next.index + 1;
}

function unknownLayout(line: string): Failure {
  return new Failure(
    'mistake',
    `GET /config has a layout that this plugin does not know (line "${line.slice(0, 20)}…"); nothing was posted`,
  );
}
