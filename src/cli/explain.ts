import { nearestOf } from '../config/problem';
import { languageOf, type Language } from '../status/page/words/language';
import { TEXTS, type Texts } from './explain-texts';
import { standardOutput, type Output } from './output';

/** One row of a table of the documentation. */
interface Row {
  name: string;
  /** The kind of word: a reason, a field, … */
  kind: string;
  /** The heading above the table. */
  section: string;
  /** The row's cells with the titles of their columns. */
  cells: readonly (readonly [title: string, text: string])[];
}

export interface ExplainOptions {
  json?: boolean;
}

/** The language of messages of the process, by the variables that POSIX names. */
function localLanguage({ LC_ALL, LC_MESSAGES, LANG } = process.env): Language {
  return languageOf([[LC_ALL, LC_MESSAGES, LANG].find((name) => name !== undefined && name !== '') ?? '']);
}

/**
 * Explains a word: a reason, a field, a state, an alert. JSON is in English.
 * @throws Error for an unknown word
 */
export function explain(word: string, { json }: ExplainOptions, language = localLanguage()): void {
  const out = standardOutput();
  const texts = TEXTS[json === true ? 'en' : language];
  const text = texts.pages[word];
  if (text !== undefined) {
    if (json === true) out.json([{ name: word, kind: 'page', text }]);
    else out.print(text.trim());
    return;
  }
  const words = texts.tables.flatMap(([kind, text]) => rowsOf(kind, text));
  const options = optionsOf(texts);
  const rows = [...words, ...options];
  const found = [...words.filter(({ name }) => name === word), ...named(word, options)];
  if (found.length === 0) {
    const names = [...new Set([...rows.map(({ name }) => name), ...Object.keys(texts.pages)])];
    throw new Error(`${word} is not a reason, an option, a state or an alert${nearestOf(word, names)}`);
  }
  if (json === true) {
    out.json(
      found.map(({ name, kind, section, cells }) => ({ name, kind, section, ...Object.fromEntries(cells) })),
    );
  } else out.print(found.map((row) => show(row, texts, out)).join('\n\n'));
}

/** An option by its last part, too, and an option of a source however its place is written: `sources[0].path`. */
function named(word: string, options: readonly Row[]): Row[] {
  const name = word.replace(/^config\./, '').replace(/^sources\[\d*\]/, 'sources');
  const exact = options.filter((row) => row.name === name || row.name === `sources.${name}`);
  return exact.length > 0 ? exact : options.filter((row) => row.name.endsWith(`.${name}`));
}

/** Rows of the page's tables whose first cell is one word of code. */
function rowsOf(kind: string, page: string): Row[] {
  const rows: Row[] = [];
  let section = '';
  let titles: string[] = [];
  for (const line of page.split('\n')) {
    if (line.startsWith('#')) section = plain(line);
    if (!line.startsWith('|')) {
      titles = [];
      continue;
    }
    const cells = cellsOf(line);
    const names = /^`[^`]+`((, |\u3001)`[^`]+`)*$/.test(cells[0] ?? '')
      ? [...(cells[0] ?? '').matchAll(/`([^`]+)`/g)]
      : [];
    if (titles.length === 0) titles = cells;
    for (const [, name = ''] of names) {
      const rest = titles.slice(1).map((title, index) => [title, plain(cells[index + 1] ?? '')] as const);
      rows.push({ name, kind, section, cells: rest.filter(([, text]) => text !== '') });
    }
  }
  return rows;
}

/** Sections of the reference: a table of facts, and what the option does. */
function optionsOf({ options, option: [kind, section], meaning }: Texts): Row[] {
  const sections = options.split(/^##+ `(.+)`$/m).slice(1);
  return sections.flatMap((name, index): Row[] => {
    if (index % 2 === 1) return [];
    const blocks = (sections[index + 1] ?? '').trim().split(/\n{2,}/);
    const table = blocks[0]?.startsWith('|') === true ? (blocks.shift() ?? '') : '';
    const [titles = [], , facts = []] = table === '' ? [] : table.split('\n').map(cellsOf);
    const cells = titles.map((title, at) => [title, plain(facts[at] ?? '')] as const);
    const prose = plain(blocks.join(' ').replaceAll('\n', ' '));
    return [{ name, kind, section, cells: [...cells, [meaning, prose]] }];
  });
}

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** Markdown rendered as plain text for a terminal; pages of this documentation may not be at hand there. */
const plain = (text: string): string =>
  text
    .replaceAll(/^#+ /gm, '')
    .replaceAll(/!?\[([^\]]+)\]\((https?:[^)]+)\)/g, '$1 ($2)')
    .replaceAll(/!?\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replaceAll('\\|', '|')
    .replaceAll('`', '')
    .replaceAll('。 ', '。');

function show({ name, kind, section, cells }: Row, { comma }: Texts, { paint }: Output): string {
  const where = [...new Set([kind, section])].join(comma);
  const width = Math.max(...cells.map(([title]) => columnsOf(title)));
  const lines = cells.map(
    ([title, text]) => `  ${paint('dim', title)}${' '.repeat(width - columnsOf(title))}  ${text}`,
  );
  return [`${paint('bold', name)}  ${paint('dim', where)}`, ...lines].join('\n');
}

/** A terminal shows a Chinese character in two columns. */
const columnsOf = (text: string): number => text.replaceAll(/\p{Script=Han}/gu, '  ').length;
