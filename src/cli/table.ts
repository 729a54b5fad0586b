import Table from 'cli-table3';
import wrapAnsi from 'wrap-ansi';
import type { Output } from './output';

export interface Column {
  title: string;
  /** May be narrowed and wrapped where the terminal is too narrow for all. */
  flexible?: boolean;
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
  const head = columns.map(({ title }) => title);
  const natural = head.map((title, index) =>
    Math.max(...[title, ...rows.map((row) => row[index] ?? '')].map(visibleWidth)),
  );
  const widths = fit(columns, natural, width);
  const made = new Table({
    head: head.map((title) => paint('dim', title)),
    chars: BORDERLESS,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) made.push(row.map((cell, index) => wrap(cell, widths[index])));
  return made
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

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
  const total = () => widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1));
  while (total() > width) {
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
