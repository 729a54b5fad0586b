import type { EntityCheck, KongField, NamedField, Values } from './kong-field';
import {
  ConfigError,
  notAChoice,
  outOfRange,
  unknownField,
  wrongType,
  type ConfigPath,
  type ConfigProblem,
} from './problem';

/**
 * Checks what was given for these fields and fills in their defaults.
 * @throws ConfigError with everything that is wrong
 */
export function complete<const Fields extends readonly NamedField[]>(
  fields: Fields,
  given: unknown,
): Values<Fields> {
  const check = new Check();
  const config = check.record(fields, given ?? {}, []);
  if (check.problems.length > 0) throw new ConfigError(check.problems);
  return config as unknown as Values<Fields>;
}

/** Collects every problem of a configuration, so that they can be fixed together. */
class Check {
  readonly problems: ConfigProblem[] = [];

  record(
    fields: readonly NamedField[],
    given: unknown,
    path: ConfigPath,
    checks: readonly EntityCheck[] = [],
  ): Record<string, unknown> {
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      this.add(path, 'expected a record');
      return {};
    }
    const known = new Map(fields.flatMap((field) => Object.entries(field)));
    const strangers = Object.keys(given).filter((name) => !known.has(name));
    const mistaken = path.length === 0 ? mistakenFor(strangers) : null;
    if (mistaken !== null) this.add(path, mistaken);
    else {
      for (const name of strangers) {
        const { shown, message } = unknownField(name, [...known.keys()]);
        this.add([...path, shown], message);
      }
    }
    const result: Record<string, unknown> = {};
    for (const [name, field] of known) {
      const completed = this.value(field, (given as Record<string, unknown>)[name], [...path, name]);
      if (completed !== undefined) result[name] = completed;
    }
    this.conditions(checks, given as Record<string, unknown>, path);
    return result;
  }

  private value(field: KongField, given: unknown, path: ConfigPath): unknown {
    const value = given ?? field.default;
    if (field.type === 'record' && (value !== undefined || field.required === true)) {
      return this.record(field.fields ?? [], value ?? {}, path, field.entity_checks);
    }
    if (value === undefined || value === null) {
      if (field.required === true) this.add(path, 'required field missing');
      return undefined;
    }
    if (field.type === 'array') return this.array(field, value, path);
    const problem = scalarProblem(field, value);
    if (problem !== null) this.add(path, problem);
    return value;
  }

  private array(field: KongField, value: unknown, path: ConfigPath): unknown[] {
    if (!Array.isArray(value)) {
      this.add(path, wrongType(field, value));
      return [];
    }
    return value.map((item: unknown, index) => {
      if (item != null) return this.value(field.elements as KongField, item, [...path, index]);
      this.add([...path, index], `expected a ${field.elements?.type ?? 'value'}`);
      return undefined;
    });
  }

  private conditions(checks: readonly EntityCheck[], given: Record<string, unknown>, path: ConfigPath): void {
    for (const { conditional } of checks) {
      const { if_field: condition, if_match: match, then_field: needed } = conditional;
      if (given[condition] === match.eq && given[needed] == null) {
        this.add([...path, needed], 'required field missing');
      }
    }
  }

  private add(path: ConfigPath, message: string): void {
    this.problems.push({ path, message });
  }
}

/** The problem of a text, number or boolean; null: none. */
function scalarProblem(field: KongField, value: unknown): string | null {
  const isRight = field.type === 'integer' ? Number.isInteger(value) : typeof value === field.type;
  if (!isRight) return wrongType(field, value);
  if (field.between !== undefined) {
    const [least, most] = field.between;
    if ((value as number) < least || (value as number) > most) return outOfRange(field, value as number);
  }
  if (field.one_of !== undefined && !field.one_of.includes(value as string)) {
    return notAChoice(field.one_of, value as string);
  }
  // The patterns in use mean the same in Lua and in JavaScript.
  const matches = (pattern: string) => new RegExp(pattern).test(value as string);
  if (field.match_any !== undefined && !field.match_any.patterns.some(matches)) return field.match_any.err;
  if (value === '' && field.len_min !== 0) return 'length must be at least 1';
  if (field.ends_with_port === true && Number(/:(\d+)(?: |$)/.exec(value as string)?.[1]) > 65_535) {
    return 'the port should be between 1 and 65535';
  }
  return null;
}

/** Recognizes other kinds of files by their names of fields. */
function mistakenFor(names: readonly string[]): string | null {
  if (names.includes('_format_version') || names.includes('plugins')) {
    return "this is Kong's declarative configuration; give only what is below `config:` of the plugin's entry in it";
  }
  if (names.includes('apiVersion') && names.includes('kind')) {
    return 'this is a resource of Kubernetes; give only what is below `config:` in it';
  }
  return names.includes('config') ? 'give only what is below `config:`, without that line' : null;
}
