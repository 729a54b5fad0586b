import configuration from '../../docs/configuration.md';
import history from '../../docs/history.md';
import logs from '../../docs/logs.md';
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
  ['field of the configuration', configuration],
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
  const rows = PAGES.flatMap(([kind, text]) => rowsOf(kind, text));
  const found = named(word, rows);
  if (found.length === 0) {
    const names = [...new Set([...rows.map(({ name }) => name), ...Object.keys(RUNBOOKS)])];
    throw new Error(`${word} is not a word of this program${nearestOf(word, names)}`);
  }
  if (json === true) {
    out.json(
      found.map(({ name, kind, section, cells }) => ({ name, kind, section, ...Object.fromEntries(cells) })),
    );
  } else out.print(found.map((row) => show(row, out)).join('\n\n'));
}

/** Also the last part of a field, and a field of a source however its place is written: `sources[0].path`. */
function named(word: string, rows: readonly Row[]): Row[] {
  const name = word.replace(/^config\./, '').replace(/^sources(\[\d*\])?\./, '');
  const exact = rows.filter((row) => row.name === name);
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
    const cells = line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim());
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
