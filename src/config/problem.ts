import { closest, distance } from 'fastest-levenshtein';
import type { KongField } from './kong-field';

/** Path of a value: names of records and indexes of arrays. */
export type ConfigPath = readonly (string | number)[];

/** One problem of a configuration. */
export interface ConfigProblem {
  path: ConfigPath;
  /** The problem and what to write instead. Quotes no value that may be a secret. */
  message: string;
}

/** `sources[0].path`; the configuration itself is `config`. */
export function showPath(path: ConfigPath): string {
  if (path.length === 0) return 'config';
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${part}`))
    .join('');
}

/** A configuration that cannot be used, with all of its problems. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';

  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map(({ path, message }) => `${showPath(path)}: ${message}`).join('; '));
  }
}

const ARTICLES = { string: 'a', integer: 'an', boolean: 'a', array: 'an', record: 'a' } as const;

/** The problem of a value whose type is not the field's. */
export function wrongType(field: KongField, value: unknown): string {
  const expected = `expected ${ARTICLES[field.type]} ${field.type}`;
  if (field.type === 'integer' && typeof value === 'string') return `${expected}${asNumber(field, value)}`;
  if (field.type === 'integer' && typeof value === 'number') return `${expected}, got ${value}`;
  if (field.type === 'boolean' && typeof value === 'string' && /^(yes|no|on|off|true|false)$/i.test(value)) {
    return `${expected}: write ${/^(yes|on|true)$/i.test(value) ? 'true' : 'false'} without quotes`;
  }
  if (field.type === 'array') return `${expected}: put each item on a line of its own after "- "`;
  return expected;
}

const SECONDS = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Hint for a number that was written as text, often with a unit; other text may be a secret and is not quoted. */
function asNumber({ unit, default: usual }: KongField, text: string): string {
  const duration = /^(\d{1,6}) ?([smhd])$/.exec(text.trim());
  const of = unit === undefined ? '' : ` (a number of ${unit}, without a unit)`;
  if (duration !== null && unit !== undefined) {
    const seconds = Number(duration[1]) * SECONDS[duration[2] as keyof typeof SECONDS];
    const number = unit === 'days' ? Math.ceil(seconds / SECONDS.d) : seconds;
    return `, got ${text.trim()}: write ${number}, the number of ${unit}`;
  }
  if (/^\d{1,12}$/.test(text.trim())) return `, got text: write ${text.trim()} without quotes`;
  return `${of}${typeof usual === 'number' ? `, such as ${usual}` : ''}`;
}

export function outOfRange({ between: [least, most] = [0, 0], unit }: KongField, value: number): string {
  const of = unit === undefined ? '' : ` ${unit}`;
  return `value should be between ${least} and ${most}${of}, got ${value}`;
}

export function notAChoice(choices: readonly string[], value: string): string {
  return `expected one of: ${choices.join(', ')}${nearestOf(value, choices)}`;
}

/** The problem of an unknown field. A name that does not look like a field's may be a secret and is not quoted. */
export function unknownField(
  name: string,
  known: readonly string[],
): Pick<ConfigProblem, 'message'> & { shown: string } {
  const isWords = /^[a-z]{1,14}([_-][a-z]{1,14}){0,3}$/.test(name);
  const shown = isWords ? name : '(a name that is not shown)';
  const nearest = nearestOf(name, known);
  return {
    shown,
    message: `unknown field; ${nearest === '' ? `known are ${known.join(', ')}` : nearest.slice(2)}`,
  };
}

/** `, did you mean …?`; empty where no word is similar. */
export function nearestOf(word: string, known: readonly string[]): string {
  const nearest = closest(word, known);
  return distance(word, nearest) <= Math.max(2, word.length / 3) ? `, did you mean ${nearest}?` : '';
}
