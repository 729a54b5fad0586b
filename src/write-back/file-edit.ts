import type * as Yaml from 'yaml';
import type { Document, Node, Pair, ParsedNode, Scalar, YAMLMap, YAMLSeq } from 'yaml';

/** A field whose value is a text. */
type Field = Pair<Scalar, Scalar> & { value: Scalar };

/** A text in which single values are replaced; everything else stays to the letter, including comments and order. */
export class FileEdit {
  readonly #edits: { from: number; to: number; text: string }[] = [];
  readonly document: Document.Parsed;
  private readonly newline: string;

  private constructor(
    readonly yaml: typeof Yaml,
    private readonly text: string,
  ) {
    this.newline = text.includes('\r\n') ? '\r\n' : '\n';
    // Kong reads YAML 1.1; JSON is a part of it.
    this.document = yaml.parseDocument(text, { version: '1.1', merge: true, uniqueKeys: true });
  }

  /**
   * Loads the YAML library, which is needed only where a file is to be written.
   * @throws Error with a position and no text for invalid YAML
   */
  static async open(text: string): Promise<FileEdit> {
    const edit = new FileEdit(await import('yaml'), text);
    const [error] = edit.document.errors;
    if (error === undefined) return edit;
    const line = error.linePos?.[0].line;
    throw new Error(
      `it is not YAML that can be edited (${error.code}${line === undefined ? '' : `, line ${line}`})`,
    );
  }

  /** A list at top level. */
  list(name: string): YAMLSeq<ParsedNode> | null {
    const node = this.yaml.isMap(this.document.contents) ? this.document.contents.get(name, true) : null;
    return this.yaml.isSeq(node) ? (node as YAMLSeq<ParsedNode>) : null;
  }

  /** Items of a list that are maps of their own, not references to one elsewhere. */
  maps(list: YAMLSeq<ParsedNode> | null): YAMLMap[] {
    return (list?.items ?? []).filter((item) => this.yaml.isMap(item));
  }

  pair(map: YAMLMap, name: string): Pair<Scalar, Node | null> | null {
    const found = map.items.find(({ key }) => this.yaml.isScalar(key) && key.value === name);
    return (found as Pair<Scalar, Node | null> | undefined) ?? null;
  }

  /** The text of a value; null where it is no text, or others refer to it. */
  textOf(map: YAMLMap, name: string): string | null {
    const value = this.pair(map, name)?.value;
    const isOwn = this.yaml.isScalar(value) && value.anchor === undefined && value.tag === undefined;
    return isOwn && typeof value.value === 'string' ? value.value : null;
  }

  replace(map: YAMLMap, name: string, text: string): void {
    const { key, value } = this.pair(map, name) as Field;
    const [from, to] = value.range as [number, number, number];
    const isBlock = value.type === 'BLOCK_LITERAL' || value.type === 'BLOCK_FOLDED';
    if (!isBlock) {
      this.#edits.push({ from, to, text: JSON.stringify(text) });
      return;
    }
    const old = this.text.slice(from, to);
    const indent = /\n( +)\S/.exec(old)?.[1] ?? ' '.repeat(this.column(start(key)) + 2);
    const comment = /^\S+([ \t]+#[^\r\n]*)/.exec(old)?.[1] ?? '';
    const blankLines = /\n((?:[ \t]*\r?\n)*)$/.exec(old)?.[1] ?? '';
    this.#edits.push({ from, to, text: this.literal(text, indent, comment) + blankLines });
  }

  /** Adds a field after another one of the same map. */
  insert(map: YAMLMap, after: string, name: string, text: string): void {
    const { key, value } = this.pair(map, after) as Field;
    const [, to] = value.range as [number, number, number];
    if (map.flow === true) {
      const space = /\s*$/.exec(this.text.slice(0, start(key)))?.[0] ?? '';
      const between = space === '' ? ' ' : space;
      this.#edits.push({ from: to, to, text: `,${between}${JSON.stringify(name)}: ${JSON.stringify(text)}` });
      return;
    }
    const indent = ' '.repeat(this.column(start(key)));
    this.insertLines(to, `${indent}${name}: ${this.literal(text, `${indent}  `)}`);
  }

  /**
   * Adds an item to a top-level list, which may be missing.
   * @returns false where the layout has no place for it
   */
  append(name: string, item: Readonly<Record<string, unknown>>): boolean {
    const root = this.document.contents;
    if (!this.yaml.isMap(root)) return false;
    const list = this.list(name);
    if (list !== null && list.items.length > 0) {
      const [from, to] = list.range as unknown as [number, number, number];
      if (list.flow === true) {
        const [first, last] = [list.items[0], list.items.at(-1)] as [ParsedNode, ParsedNode];
        const space = /\s*$/.exec(this.text.slice(0, start(first)))?.[0] ?? '';
        const end = last.range[1];
        this.#edits.push({ from: end, to: end, text: `,${space}${JSON.stringify(item)}` });
      } else this.insertLines(to, this.block(item, ' '.repeat(this.column(from))));
      return true;
    }
    if (root.flow === true || list !== null) {
      if (list === null) return false;
      const [from, to] = list.range as unknown as [number, number, number];
      this.#edits.push({ from, to, text: `[${JSON.stringify(item)}]` });
      return true;
    }
    if (root.has(name)) return false;
    this.insertLines(this.text.length, `${name}:\n${this.block(item, '')}`);
    return true;
  }

  toString(): string {
    // Edits at one position in their order.
    const edits = this.#edits.map((edit, index) => ({ ...edit, index }));
    edits.sort((a, b) => a.from - b.from || a.index - b.index);
    const pieces: string[] = [];
    let at = 0;
    for (const { from, to, text } of edits) {
      pieces.push(this.text.slice(at, from), text);
      at = Math.max(at, to);
    }
    return [...pieces, this.text.slice(at)].join('');
  }

  get isChanged(): boolean {
    return this.#edits.length > 0;
  }

  /** Inserts whole lines behind the line in which a value ends. */
  private insertLines(after: number, lines: string): void {
    const isLineStart = after > 0 && this.text[after - 1] === '\n';
    const lineEnd = isLineStart ? after - 1 : this.text.indexOf('\n', after);
    const at = lineEnd === -1 ? this.text.length : lineEnd + 1;
    this.#edits.push({ from: at, to: at, text: `${lineEnd === -1 ? this.newline : ''}${lines}` });
  }

  private block(item: Readonly<Record<string, unknown>>, indent: string): string {
    const fields = Object.entries(item).map(([name, value]) =>
      typeof value === 'string' && value.includes('\n')
        ? `${indent}  ${name}: ${this.literal(value, `${indent}    `)}`
        : `${indent}  ${name}: ${JSON.stringify(value)}${this.newline}`,
    );
    return fields.join('').replace(`${indent}  `, `${indent}- `);
  }

  /** A block of lines, as people write PEM in YAML. */
  private literal(text: string, indent: string, comment = ''): string {
    const lines = text.replace(/\r/g, '').replace(/\n+$/, '').split('\n');
    return [(text.endsWith('\n') ? '|' : '|-') + comment, ...lines.map((line) => indent + line), ''].join(
      this.newline,
    );
  }

  private column(offset: number): number {
    return offset - (this.text.lastIndexOf('\n', offset - 1) + 1);
  }
}

const start = ({ range }: { range?: readonly number[] | null }) => range?.[0] ?? 0;
