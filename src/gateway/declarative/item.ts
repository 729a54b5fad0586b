type Value = string | readonly string[] | null;
type Span = readonly [from: number, to: number];

/**
 * An entity of the exported configuration, as text: `- ` before its first field, its fields at column 2, deeper
 * lines belong to the field above. Only the fields in question are parsed.
 */
export class Item {
  /** The text after an edit; its first two characters are ignored. */
  #edited: string | null = null;

  /** @param text its lines as they are in the document, each with its line feed */
  constructor(private readonly text: string) {}

  static of(fields: Readonly<Record<string, string | readonly string[]>>): Item {
    const lines = Object.entries(fields).map(([name, value]) => fieldLine(name, value));
    return new Item(`- ${lines.join('').slice(2)}`);
  }

  /** A plain one-line value, without quotes. */
  get(name: string): string | undefined {
    const [value] = this.valueOf(name)?.split('\n', 1) ?? [];
    return value === undefined ? undefined : copied(value.trim().replace(/^(['"])(.*)\1$/, '$2'));
  }

  /** A text of one or more lines; null where the field is null, undefined where its notation is unknown. */
  textOf(name: string): string | null | undefined {
    const value = this.valueOf(name);
    return value === undefined ? null : readScalar(value);
  }

  /** A list of plain values. */
  listOf(name: string): string[] {
    const value = this.valueOf(name) ?? '';
    if (value.startsWith(' [')) return JSON.parse(value) as string[];
    const items = value.matchAll(/^ +- (.*)$/gm);
    return [...items].map(([, item = '']) => copied(item.replace(/^(['"])(.*)\1$/, '$2')));
  }

  /**
   * Values are written as JSON, which is YAML: a string in double quotes is safe whatever it contains. Null removes
   * the field.
   */
  set(name: string, value: Value): void {
    this.setAll({ [name]: value });
  }

  /** Sets several fields in one edit, which copies the text once. */
  setAll(fields: Readonly<Record<string, Value>>): void {
    const body = this.body;
    const end: Span = [body.length, body.length];
    const edits = Object.entries(fields).flatMap(([name, value]) => {
      const found = span(body, name);
      if (value === null) return found === null ? [] : [{ place: found, line: '' }];
      return [{ place: found ?? end, line: fieldLine(name, value) }];
    });
    if (edits.length === 0) return;
    edits.sort((a, b) => a.place[0] - b.place[0]);
    let [edited, at] = ['', 0];
    for (const { place, line } of edits) {
      edited += body.slice(at, place[0]) + line;
      at = place[1];
    }
    this.#edited = edited + body.slice(at);
  }

  /** Copies a field from another item, to the letter. */
  copy(name: string, other: Item): void {
    const found = span(other.body, name);
    if (found !== null) this.#edited = `${this.body}  ${other.body.slice(found[0] + 2, found[1])}`;
  }

  toString(): string {
    return this.#edited === null ? this.text : `- ${this.#edited.slice(2)}`;
  }

  private get body(): string {
    return this.#edited ?? this.text;
  }

  /** The text after `name:`. */
  private valueOf(name: string): string | undefined {
    const found = span(this.body, name);
    return found === null ? undefined : this.body.slice(found[0] + name.length + 3, found[1]);
  }
}

/** In V8 a part of a text keeps the whole text in memory, here with private keys; a copy does not. */
const copied = (part: string) => Buffer.from(part).toString();

const fieldLine = (name: string, value: string | readonly string[]) =>
  `  ${name}: ${JSON.stringify(value)}\n`;

/** From the two characters before a field's name to the end of its last line. */
function span(body: string, name: string): Span | null {
  const isFirst = body.startsWith(`${name}:`, 2);
  const from = isFirst ? 0 : body.indexOf(`\n  ${name}:`) + 1;
  if (from === 0 && !isFirst) return null;
  FIELD.lastIndex = from;
  const next = FIELD.exec(body);
  return [from, next === null ? body.length : next.index + 1];
}

/** The line feed before a field; a list that is a field's value stands at the column of the field (`  - grpc`). */
const FIELD = /\n {2}[^ \n-]/g;

function readScalar(value: string): string | null | undefined {
  const block = /^ \|([-+]?)\n/.exec(value);
  if (block === null) return readLine(value.trim());
  const lines = value.slice(block[0].length).replace(/^ {4}/gm, '');
  if (block[1] === '+') return lines;
  let end = lines.length;
  while (lines[end - 1] === '\n') end -= 1;
  return lines.slice(0, end) + (block[1] === '-' || end === lines.length ? '' : '\n');
}

function readLine(value: string): string | null | undefined {
  if (value === '~' || value === 'null' || value === '') return null;
  if (value.startsWith('"')) {
    try {
      return JSON.parse(value) as string;
    } catch {
      return undefined;
    }
  }
  if (value.includes('\n') || /^[>|&*!]/.test(value)) return undefined;
  return value.startsWith("'") ? value.slice(1, -1).replaceAll("''", "'") : value;
}
