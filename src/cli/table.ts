import Table from 'cli-table3';
import wrapAnsi from 'wrap-ansi';
import { safeText } from '../report';
import { withColours, withoutColours, type Output } from './output';

export interface Column {
  title: string;
  /** May be narrowed and wrapped where the terminal is too narrow for all. */
  flexible?: boolean;
  /** Only for the last: where there is no room beside the others, it goes below them. */
  below?: boolean;
}

const GAP = '  ';
/** No column gets narrower than this. */
const LEAST = 14;
// eslint-disable-next-line no-control-regex
const STYLES = /\x1b\[[0-9;]*m/g;

const BORDERLESS = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: GAP },
};

/** A table without lines, as wide as the terminal at most; cells may be painted. */
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
  const natural = head.map((title, index) =>
    Math.max(...[title, ...rows.map((row) => row[index] ?? '')].map(visibleWidth)),
  );
  const isBelow = columns.at(-1)?.below === true && totalOf(natural) > width;
  const beside = isBelow ? columns.slice(0, -1) : columns;
  const widths = fit(beside, natural.slice(0, beside.length), width);
  const indent = ' '.repeat((natural[0] ?? 0) + GAP.length);
  const lines = rows.flatMap((row) => {
    const last = row.at(-1) ?? '';
    const below =
      isBelow && last !== '' ? wrap(last, Math.max(LEAST, width - indent.length)).split('\n') : [];
    return [line(row.slice(0, beside.length), widths), ...below.map((text) => indent + text)];
  });
  return [line(head.slice(0, beside.length).map(dim), widths), ...lines].join('\n');
}

/** One row; its cells may take several lines. */
function line(cells: readonly string[], widths: readonly number[]): string {
  const made = new Table({
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colWidths: [...widths],
  });
  made.push(cells.map((cell, index) => wrap(cell, widths[index])));
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

/** Long words (paths) are broken, too. */
const wrap = (text: string, width = 0) => wrapAnsi(text, width, { hard: true });

/** Takes from the widest flexible column, one by one, until all of them fit. */
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
