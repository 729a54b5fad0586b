/** What is put into the document for one certificate. */
export interface DocumentChange {
  id: string;
  /** Texts to replace, by field name (`cert`, `key`, `cert_alt`, `key_alt`); null takes a field away. */
  fields: Readonly<Record<string, string | null>>;
  /** SNIs to add, with deterministic ids. */
  addSnis: readonly { id: string; name: string }[];
  /** Names to take away. */
  removeSnis?: readonly string[];
  /** Set for a certificate that is not in the document yet. */
  create?: { tags: readonly string[] };
  /** Takes the certificate and its SNIs out again. */
  remove?: true;
}

export class DocumentError extends Error {
  override readonly name = 'DocumentError';
  readonly code = 'DECLARATIVE_LAYOUT';
}

/**
 * The declarative configuration as `GET /config` exports it, edited in place: what is not touched stays as it is
 * to the letter, so that no YAML library can turn `on` into true or lose a digit of a number on the way.
 *
 * The layout is that of Kong's emitter (kong/db/declarative/export.lua): entity types at column 0, each entity a
 * list item at column 0, its fields at column 2, deeper lines belong to the field above.
 */
export class DeclarativeDocument {
  #sections: Section[];

  /** @throws DocumentError where the text does not have that layout */
  constructor(yaml: string) {
    this.#sections = splitSections(yaml);
  }

  /**
   * SNIs come out twice, nested under their certificate and at top level; posted back like that Kong refuses
   * them as duplicates.
   */
  removeNestedSnis(): void {
    for (const item of this.section('certificates')?.items ?? []) item.delete('snis');
  }

  /** @throws DocumentError where the certificate is not (or already) there */
  apply(change: DocumentChange): void {
    if (change.remove === true) {
      this.remove(change.id);
      return;
    }
    const existing = this.find('certificates', 'id', change.id);
    if (change.create !== undefined) {
      if (existing !== undefined)
        throw new DocumentError(`certificate ${change.id} is already in the configuration`);
      const item = new Item([]);
      item.set('id', change.id);
      item.set('tags', [...change.create.tags]);
      item.setAll(change.fields);
      this.ensure('certificates').items.push(item);
    } else {
      if (existing === undefined)
        throw new DocumentError(`certificate ${change.id} is not in the configuration`);
      existing.setAll(change.fields);
    }
    if (change.removeSnis !== undefined) this.removeSnis(change.id, change.removeSnis);
    for (const sni of change.addSnis) {
      const item = new Item([]);
      item.set('id', sni.id);
      item.set('name', sni.name);
      item.set('certificate', change.id);
      this.ensure('snis').items.push(item);
    }
  }

  /** Sets fields of an entity of any type; makes it where it is not there. */
  put(section: string, id: string, fields: Readonly<Record<string, string | readonly string[]>>): void {
    let item = this.find(section, 'id', id);
    if (item === undefined) {
      item = new Item([]);
      item.set('id', id);
      this.ensure(section).items.push(item);
    }
    for (const [name, value] of Object.entries(fields)) item.set(name, value);
  }

  /** Takes an entity of any type out. */
  take(section: string, id: string): void {
    const found = this.section(section);
    if (found !== undefined) found.items = found.items.filter((item) => item.get('id') !== id);
  }

  /** Whether an id stands anywhere else than in its own entity. */
  isReferredTo(section: string, id: string): boolean {
    const own = this.find(section, 'id', id);
    return this.#sections.some(({ head, items }) =>
      [head, ...items.filter((item) => item !== own).map(String)].some((text) => text.includes(id)),
    );
  }

  has(id: string): boolean {
    return this.find('certificates', 'id', id) !== undefined;
  }

  toString(): string {
    return this.#sections
      .filter((section) => section.items.length > 0 || !section.isList)
      .map((section) => section.head + section.items.map(String).join(''))
      .join('');
  }

  private remove(id: string): void {
    const certificates = this.section('certificates');
    const snis = this.section('snis');
    if (certificates !== undefined)
      certificates.items = certificates.items.filter((item) => item.get('id') !== id);
    if (snis !== undefined) snis.items = snis.items.filter((item) => item.get('certificate') !== id);
  }

  private removeSnis(id: string, names: readonly string[]): void {
    const snis = this.section('snis');
    if (snis === undefined) return;
    const isGone = (item: Item) => item.get('certificate') === id && names.includes(item.get('name') ?? '');
    snis.items = snis.items.filter((item) => !isGone(item));
  }

  private find(section: string, field: string, value: string): Item | undefined {
    return this.section(section)?.items.find((item) => item.get(field) === value);
  }

  private section(name: string): Section | undefined {
    return this.#sections.find((section) => section.name === name);
  }

  private ensure(name: string): Section {
    const existing = this.section(name);
    if (existing?.isList === true) return existing;
    // `certificates: []` cannot take items.
    this.#sections = this.#sections.filter((section) => section.name !== name);
    const section = { name, head: `${name}:\n`, items: [], isList: true };
    this.#sections.push(section);
    return section;
  }
}

/** One key at column 0; `head` is its own line (and, for scalars, everything). */
interface Section {
  name: string;
  head: string;
  items: Item[];
  /** It holds (or held) entities; without any it is left out, since an empty list is written in another way. */
  isList: boolean;
}

const TOP_LEVEL = /^([A-Za-z_][\w-]*):(.*)$/;

function splitSections(yaml: string): Section[] {
  const sections: Section[] = [];
  let section: Section | undefined;
  let lines: string[] = [];
  const finishItem = () => {
    if (lines.length > 0) section?.items.push(new Item(lines));
    lines = [];
  };
  for (const line of yaml.replace(/\n$/, '').split('\n')) {
    const top = TOP_LEVEL.exec(line);
    if (top?.[1] !== undefined) {
      finishItem();
      section = { name: top[1], head: `${line}\n`, items: [], isList: false };
      sections.push(section);
    } else if (line.startsWith('- ') && section !== undefined) {
      finishItem();
      section.isList = true;
      lines = [line];
    } else if (lines.length > 0 && (line === '' || line.startsWith(' '))) {
      lines.push(line);
    } else if (section !== undefined && line.startsWith(' ')) {
      section.head += `${line}\n`;
    } else if (line !== '') {
      throw unknownLayout(line);
    }
  }
  finishItem();
  return sections;
}

function unknownLayout(line: string): DocumentError {
  return new DocumentError(
    `GET /config has a layout that this plugin does not know (line "${line.slice(0, 20)}…"); nothing was posted`,
  );
}

/** A list item: its fields with the lines that belong to each. */
class Item {
  readonly #fields = new Map<string, string[]>();
  /** Lines of an item that has no fields: a plain value. */
  readonly #plain: string[] = [];

  constructor(lines: readonly string[]) {
    let current = this.#plain;
    for (const [index, original] of lines.entries()) {
      const line = index === 0 ? `  ${original.slice(2)}` : original;
      // A list that is a field's value stands at the column of the field (`  - grpc`).
      const field = /^ {2}([A-Za-z_][\w-]*):/.exec(line);
      if (field?.[1] === undefined) current.push(line);
      else {
        current = [line];
        this.#fields.set(field[1], current);
      }
    }
    const [stray] = this.#plain;
    if (stray !== undefined && this.#fields.size > 0) throw unknownLayout(stray);
  }

  /** A plain one-line value. */
  get(name: string): string | undefined {
    const [line] = this.#fields.get(name) ?? [];
    return line
      ?.slice(line.indexOf(':') + 1)
      .trim()
      .replace(/^(['"])(.*)\1$/, '$2');
  }

  /** JSON is YAML: a string in double quotes needs no care for its content. */
  set(name: string, value: string | readonly string[]): void {
    this.#fields.set(name, [`  ${name}: ${JSON.stringify(value)}`]);
  }

  setAll(fields: DocumentChange['fields']): void {
    for (const [name, text] of Object.entries(fields)) {
      if (text === null) this.delete(name);
      else this.set(name, text);
    }
  }

  delete(name: string): void {
    this.#fields.delete(name);
  }

  toString(): string {
    const lines = [this.#plain, ...this.#fields.values()].flat();
    return lines.map((line, index) => `${index === 0 ? `- ${line.slice(2)}` : line}\n`).join('');
  }
}
