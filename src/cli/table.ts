import Table from 'cli-table3';
import wrapAnsi from 'wrap-ansi';
import { safeText } from '../report';
import { withColours, withoutColours, type Output } from './output';

export interface Column {
  title: string;
  /** May be narrowed and wrapped in a narrow terminal. */
  flexible?: boolean;
  /** For the last columns: moves below the others where there is no room beside them. */
  below?: boolean;
}

const GAP = '  ';
/** Least width of a column. */
const LEAST = 14;
// eslint-disable-next-line no-control-regex
const STYLES = /\x1b\[[0-9;]*m/g;

const BORDERLESS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: GAP },
};

/** A table without lines, at most as wide as the terminal; cells may be painted. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { paint, width }: Pick<Output, 'paint' | 'width'>,
): string {
  const colours = (title: string) => withColours(paint('dim', title));
  const cells = rows.map((row) => row.map((cell) => withColours(safeText(cell).replaceAll('\n', ' '))));
  return withoutColours(layOut(columns, cells, colours, width));
}

function layOut(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  dim: (title: string) => string,
  width: number,
): string {
  const head = columns.map(({ title }) => title);
  const natural = columns.map(({ title, flexible = false }, index) => {
    const widths = rows.map((row) => visibleWidth(row[index] ?? ''));
    return Math.max(visibleWidth(title), flexible ? usualOf(widths) : Math.max(0, ...widths));
  });
  let count = columns.length;
  while (columns[count - 1]?.below === true && totalOf(natural.slice(0, count)) > width) count -= 1;
  const beside = columns.slice(0, count);
  const widths = fit(beside, natural.slice(0, count), width);
  const indent = ' '.repeat((natural[0] ?? 0) + GAP.length);
  const room = Math.max(LEAST, width - indent.length);
  const lines = rows.flatMap((row) => {
    const below = row.slice(count).filter((cell) => cell !== '' && cell !== '-');
    return [
      line(row.slice(0, count), widths, width),
      ...below.flatMap((cell) => wrap(cell, room).split('\n')).map((text) => indent + text),
    ];
  });
  return [line(head.slice(0, count).map(dim), widths, width), ...lines].join('\n');
}

/** Width that nearly all cells need, so that one long name widens no other row. */
function usualOf(widths: readonly number[]): number {
  const sorted = widths.toSorted((a, b) => a - b);
  const [usual = 0, most = 0] = [sorted[Math.floor(0.9 * (sorted.length - 1))], sorted.at(-1)];
  return most > 1.5 * usual + LEAST ? usual : most;
}

/** One row; its cells may take several lines. */
function line(cells: readonly string[], usual: readonly number[], width: number): string {
  // A cell that is longer than most pushes the others of its row aside, where there is room.
  const own = usual.map((one, index) => Math.max(one, visibleWidth(cells[index] ?? '')));
  const widths = totalOf(own) <= width ? own : usual;
  const made = new Table({
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...widths],
  });
  made.push(cells.map((cell, index) => wrap(cell, widths[index] ?? 0)));
  return made
    .toString()
    .split('\n')
    .map((text) => text.trimEnd())
    .join('\n');
}

const totalOf = (widths: readonly number[]) =>
  widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1));

const visibleWidth = (text: string) =>
  Math.max(
    ...text
      .replace(STYLES, '')
      .split('\n')
      .map((line) => line.length),
  );

/** Breaks long words (paths), too. */
const wrap = (text: string, width: number) => wrapAnsi(text, width, { hard: true });

/** Narrows the widest flexible column, step by step, until all of them fit. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural];
  while (totalOf(widths) > width) {
    const widest = columns.reduce(
      (best, { flexible = false }, index) =>
        flexible && (widths[index] ?? 0) > Math.max(LEAST, widths[best] ?? 0) ? index : best,
      -1,
    );
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}
