import { styleText } from 'node:util';
import { randomBytes } from 'node:crypto';
import { safeText, toJson } from '../report';

type Style = Parameters<typeof styleText>[0];
export type Paint = (style: Style, text: string) => string;

/** Output of a command: to a terminal, or into a pipe. */
export interface Output {
  /** Prints one or more whole lines. */
  print(text: string): void;
  /** Prints JSON; with `--json` nothing else is printed. */
  json(value: unknown): void;
  /** Prints one line of JSON, for commands that go on. */
  line(value: unknown): void;
  /**
   * Opens a separate screen for texts that replace each other; the former content of the terminal returns
   * afterwards.
   */
  screen(): Screen;
  /** Colours a text; returns it unchanged where colours are off. */
  paint: Paint;
  /** Columns of the terminal; without a terminal nothing is cut off or wrapped. */
  width: number;
  isTerminal: boolean;
}

interface Screen {
  /** Shows as much of the output of `draw` as fits. */
  show(draw: (out: Output) => void): void;
  /** Restores the terminal. */
  leave(): void;
}

/** Standard output. Colours only on a terminal, and never against NO_COLOR (https://no-color.org). */
export function standardOutput(stream: NodeJS.WriteStream = process.stdout): Output {
  const isTerminal = stream.isTTY;
  const { NO_COLOR: no = '', TERM: terminal } = process.env;
  const out: Output = {
    print: (text) => void stream.write(`${withColours(safeText(text))}\n`),
    json: (value) => void stream.write(`${toJson(value, 2)}\n`),
    line: (value) => void stream.write(`${toJson(value)}\n`),
    screen: () => {
      stream.write('\x1b[?1049h');
      const leave = () => void stream.write('\x1b[?1049l');
      process.once('exit', leave);
      return {
        show: (draw) => {
          const texts: string[] = [];
          draw({
            ...out,
            width: widthOf(stream),
            print: (text) => void texts.push(withColours(safeText(text))),
          });
          const lines = texts.join('\n').split('\n');
          const rows = Math.max(2, stream.rows || lines.length + 1) - 1;
          const shown =
            lines.length <= rows
              ? lines
              : [...lines.slice(0, rows - 1), `… ${lines.length - rows + 1} more lines`];
          stream.write(`\x1b[H${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
        },
        leave: () => {
          process.off('exit', leave);
          leave();
        },
      };
    },
    paint: painter(isTerminal && no === '' && terminal !== 'dumb'),
    width: widthOf(stream),
    isTerminal,
  };
  return out;
}

/** A terminal of unknown size reports 0. */
const widthOf = (stream: NodeJS.WriteStream): number =>
  (stream.isTTY && stream.columns) || Number.POSITIVE_INFINITY;

/**
 * Placeholder for the escape character of our own colours until a text is written: every other escape sequence came
 * with a name or a message and is made visible. Random, so that no input can contain it.
 */
const ESCAPE = `(${randomBytes(8).toString('hex')})`;

/** Replaces our placeholders with real colours; also for code that measures and wraps painted text. */
export const withColours = (text: string): string => text.replaceAll(ESCAPE, '\x1b');

/** Reverses `withColours`, for a text that is to be printed. */
export const withoutColours = (text: string): string => text.replaceAll('\x1b', ESCAPE);

export const painter =
  (isColoured: boolean): Paint =>
  (style, text) =>
    isColoured ? withoutColours(styleText(style, safeText(text), { validateStream: false })) : text;

/** `2026-11-24`; a dash where there is none. */
export const day = (time: number | string | null): string =>
  time === null ? '-' : new Date(time).toISOString().slice(0, 10);

/** The first names, and the number of the others. */
export function someOf(names: readonly string[], most = 3): string {
  const rest = names.length - most;
  return rest > 0 ? `${names.slice(0, most).join(', ')} and ${rest} more` : names.join(', ');
}

export const plural = (count: number, word: string): string =>
  `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;

/** `12 ms`, `3.4 s`, `5 min`, `7 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
