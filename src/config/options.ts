import { closest, distance } from 'fastest-levenshtein';
import { FIELDS, type KongField, type NamedField } from './fields';
import { NEEDED_FIELDS } from '../sources/registry';
import type { Config } from './types';

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'CONFIG_INVALID';

  constructor(
    /** Where in the configuration, e.g. `sources[0].path`. */
    readonly path: string,
    problem: string,
  ) {
    super(`${path}: ${problem}`);
  }
}

/**
 * Checks a configuration and fills in the defaults. Kong has done so for what comes from its Admin API (by the
 * same fields); what comes from a file has not been looked at yet.
 * @throws ConfigError naming the path of the first value that is wrong
 */
export function completeConfig(given: unknown): Config {
  return completeRecord(FIELDS, given ?? {}, '') as unknown as Config;
}

function completeRecord(
  fields: readonly NamedField[],
  given: unknown,
  path: string,
): Record<string, unknown> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigError(path === '' ? 'config' : path, 'expected a record');
  }
  const at = (name: string) => (path === '' ? name : `${path}.${name}`);
  const known = new Map(fields.flatMap((field) => Object.entries(field)));
  for (const name of Object.keys(given)) {
    if (!known.has(name)) {
      throw new ConfigError(at(name), `unknown field; ${suggest(name, [...known.keys()])}`);
    }
  }
  const result: Record<string, unknown> = {};
  for (const [name, field] of known) {
    const value = (given as Record<string, unknown>)[name];
    const completed = completeValue(field, value, at(name));
    if (completed !== undefined) result[name] = completed;
  }
  checkConditions(result, path);
  return result;
}

/** The name that was probably meant, else all that there are. */
function suggest(name: string, known: readonly string[]): string {
  const nearest = closest(name, known);
  const isNear = distance(name, nearest) <= Math.max(2, name.length / 3);
  return isNear ? `did you mean ${nearest}?` : `known are ${known.join(', ')}`;
}

function completeValue(field: KongField, given: unknown, path: string): unknown {
  const value = given ?? field.default;
  if (field.type === 'record' && (value !== undefined || field.required === true)) {
    return completeRecord(field.fields ?? [], value ?? {}, path);
  }
  if (value === undefined || value === null) {
    if (field.required === true) throw new ConfigError(path, 'required field missing');
    return undefined;
  }
  if (field.type === 'array') {
    if (!Array.isArray(value)) throw new ConfigError(path, 'expected an array');
    return value.map((item: unknown, index) => {
      if (item == null)
        throw new ConfigError(`${path}[${index}]`, `expected a ${field.elements?.type ?? 'value'}`);
      return completeValue(field.elements as KongField, item, `${path}[${index}]`);
    });
  }
  checkScalar(field, value, path);
  return value;
}

function checkScalar(field: KongField, value: unknown, path: string): void {
  const isRight = field.type === 'integer' ? Number.isInteger(value) : typeof value === field.type;
  if (!isRight)
    throw new ConfigError(path, `expected ${field.type === 'integer' ? 'an' : 'a'} ${field.type}`);
  if (field.between !== undefined) {
    const [least, most] = field.between;
    if ((value as number) < least || (value as number) > most) {
      throw new ConfigError(path, `value should be between ${least} and ${most}`);
    }
  }
  if (field.one_of !== undefined && !field.one_of.includes(value as string)) {
    throw new ConfigError(path, `expected one of: ${field.one_of.join(', ')}`);
  }
  // The patterns used here mean the same to Lua and to JavaScript.
  const matches = (pattern: string) => new RegExp(pattern).test(value as string);
  if (field.match_any !== undefined && !field.match_any.patterns.some(matches)) {
    throw new ConfigError(path, field.match_any.err);
  }
  if (value === '' && field.len_min !== 0) throw new ConfigError(path, 'length must be at least 1');
}

/** What `entity_checks` of the sources say. */
function checkConditions(record: Record<string, unknown>, path: string): void {
  if (!path.startsWith('sources[')) return;
  for (const needed of NEEDED_FIELDS[String(record['type'])] ?? []) {
    if (record[needed] === undefined) throw new ConfigError(`${path}.${needed}`, 'required field missing');
  }
}
