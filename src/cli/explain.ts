import history from '../../docs/history.md';
import logs from '../../docs/logs.md';
import options from '../../docs/options.md';
import permissions from '../../docs/permissions.md';
import reasons from '../../docs/reasons.md';
import status from '../../docs/status.md';
import { nearestOf } from '../config/problem';
import { RUNBOOKS } from '../status/runbooks/texts';
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

const PAGES: readonly (readonly [kind: string, text: string])[] = [
  ['reason', reasons],
  ['state', status],
  ['word of the history', history],
  ['field of the log', logs],
];

export interface ExplainOptions {
  json?: boolean;
}

/**
 * Explains a word: a reason, a field, a state, an alert.
 * @throws Error for an unknown word
 */
export function explain(word: string, { json }: ExplainOptions): void {
  const out = standardOutput();
  const text = { ...RUNBOOKS, permissions }[word];
  if (text !== undefined) {
    if (json === true) out.json([{ name: word, kind: 'page', text }]);
    else out.print(text.trim());
    return;
  }
  const rows = [...PAGES.flatMap(([kind, text]) => rowsOf(kind, text)), ...optionsOf(options)];
  const found = named(word, rows);
  if (found.length === 0) {
    const names = [...new Set([...rows.map(({ name }) => name), ...Object.keys(RUNBOOKS)])];
    throw new Error(`${word} is not a reason, an option, a state or an alert${nearestOf(word, names)}`);
  }
  if (json === true) {
    out.json(
      found.map(({ name, kind, section, cells }) => ({ name, kind, section, ...Object.fromEntries(cells) })),
    );
  } else out.print(found.map((row) => show(row, out)).join('\n\n'));
}

/** Also the last part of an option, and an option of a source however its place is written: `sources[0].path`. */
function named(word: string, rows: readonly Row[]): Row[] {
  const name = word.replace(/^config\./, '').replace(/^sources\[\d*\]/, 'sources');
  const exact = rows.filter((row) => row.name === name || row.name === `sources.${name}`);
  return exact.length > 0 ? exact : rows.filter((row) => row.name.endsWith(`.${name}`));
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
    const names = /^`[^`]+`(, `[^`]+`)*$/.test(cells[0] ?? '')
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
function optionsOf(page: string): Row[] {
  const sections = page.split(/^##+ `(.+)`$/m).slice(1);
  return sections.flatMap((name, index): Row[] => {
    if (index % 2 === 1) return [];
    const blocks = (sections[index + 1] ?? '').trim().split(/\n{2,}/);
    const table = blocks[0]?.startsWith('|') === true ? (blocks.shift() ?? '') : '';
    const [titles = [], , facts = []] = table === '' ? [] : table.split('\n').map(cellsOf);
    const meaning = plain(blocks.join(' ').replaceAll('\n', ' '));
    const cells = titles.map((title, at) => [title, plain(facts[at] ?? '')] as const);
    return [{ name, kind: 'option', section: 'Options', cells: [...cells, ['Meaning', meaning]] }];
  });
}

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim());

/** Markdown rendered as plain text for a terminal. */
const plain = (text: string): string =>
  text
    .replaceAll(/^#+ /gm, '')
    .replaceAll(/!?\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replaceAll('\\|', '|')
    .replaceAll('`', '');

function show({ name, kind, section, cells }: Row, { paint }: Output): string {
  const width = Math.max(...cells.map(([title]) => title.length));
  const lines = cells.map(([title, text]) => `  ${paint('dim', title.padEnd(width))}  ${text}`);
  return [`${paint('bold', name)}  ${paint('dim', `${kind}, ${section}`)}`, ...lines].join('\n');
}
