import { getPath, isTable, type Json, type JsonObject } from '../json';
import { fieldsOf, isReference, recordOf, type Errors, type Field, type RecordSchema } from './field';
import { validateField } from './validate';

interface Conditional {
  if_field: string;
  if_match: Partial<Field>;
  then_field: string;
  then_match: Partial<Field>;
  then_err?: string;
}

interface ConditionalAny {
  if_field: string;
  if_match: Partial<Field>;
  then_at_least_one_of: string[];
  then_err?: string;
}

/** A check in code; only this stand-in's own schemas have them. */
export interface CustomCheck {
  field_sources: string[];
  fn: (entity: JsonObject) => string | null;
}

/** Runs the checks that concern several fields and adds what they find to `errors`. */
export function runChecks(schema: RecordSchema, input: JsonObject, errors: Errors): void {
  for (const check of schema.entity_checks ?? []) {
    for (const [name, argument] of Object.entries(check)) {
      const problem = run(schema, name, argument, input, errors);
      if (problem === null) continue;
      const own = errors['@entity'];
      if (Array.isArray(own)) own.push(problem);
      else errors['@entity'] = [problem];
    }
  }
}

function run(
  schema: RecordSchema,
  name: string,
  argument: unknown,
  input: JsonObject,
  errors: Errors,
): string | null {
  const sources = sourcesOf(name, argument);
  // A reference's value is unknown until a worker resolves it.
  if (
    sources.some((path) => fieldAt(schema, path)?.referenceable === true && isReference(getPath(input, path)))
  ) {
    return null;
  }
  const filled = (names: readonly string[]) => names.filter((path) => !isEmpty(getPath(input, path)));
  const names = Array.isArray(argument) ? (argument as string[]) : [];
  const listed = quoted(names);
  switch (name) {
    case 'at_least_one_of':
      return filled(names).length > 0 ? null : `at least one of these fields must be non-empty: ${listed}`;
    case 'only_one_of':
      return filled(names).length === 1 ? null : `exactly one of these fields must be non-empty: ${listed}`;
    case 'mutually_exclusive':
      return filled(names).length <= 1 ? null : `only one or none of these fields must be set: ${listed}`;
    case 'mutually_required':
      return [0, names.length].includes(filled(names).length)
        ? null
        : `all or none of these fields must be set: ${listed}`;
    case 'distinct': {
      const values = filled(names).map((path) => getPath(input, path));
      return new Set(values).size === values.length
        ? null
        : `values of these fields must be distinct: ${listed}`;
    }
    case 'conditional':
      return conditional(schema, argument as Conditional, input, errors);
    case 'conditional_at_least_one_of':
      return conditionalAny(schema, argument as ConditionalAny, input);
    case 'custom_entity_check':
      return sources.some((path) => errors[path] !== undefined) ? null : (argument as CustomCheck).fn(input);
    default:
      throw new Error(`stand-in gateway: the entity check ${name} is not known`);
  }
}

function sourcesOf(name: string, argument: unknown): string[] {
  if (Array.isArray(argument)) return argument as string[];
  if (name === 'custom_entity_check') return (argument as CustomCheck).field_sources;
  const { if_field: condition, then_field: field } = argument as Conditional;
  return name === 'conditional' ? [condition, field] : [condition];
}

function conditional(
  schema: RecordSchema,
  check: Conditional,
  input: JsonObject,
  errors: Errors,
): string | null {
  const given = getPath(input, check.if_field);
  if (given === undefined || !matches(schema, check.if_field, check.if_match, given)) return null;
  const value = getPath(input, check.then_field) ?? null;
  const rule = { ...fieldAt(schema, check.then_field), ...check.then_match } as Field;
  const problem =
    check.then_match.required === true && value === null
      ? 'required field missing'
      : validateField(rule, value);
  if (problem === null) return null;
  setPath(errors, check.then_field, problem);
  return check.then_err ?? `failed conditional validation given value of field '${check.if_field}'`;
}

function conditionalAny(schema: RecordSchema, check: ConditionalAny, input: JsonObject): string | null {
  const given = getPath(input, check.if_field);
  if (given === undefined || !matches(schema, check.if_field, check.if_match, given)) return null;
  const names = check.then_at_least_one_of;
  if (names.some((path) => !isEmpty(getPath(input, path)))) return null;
  return check.then_err ?? `at least one of these fields must be non-empty: ${quoted(names)}`;
}

/** The condition's rules come on top of the field's own. */
function matches(schema: RecordSchema, path: string, rules: Partial<Field>, value: Json): boolean {
  return validateField({ ...fieldAt(schema, path), ...rules } as Field, value) === null;
}

function fieldAt(schema: RecordSchema, path: string): Field | undefined {
  const [head = '', ...rest] = path.split('.');
  const field = fieldsOf(schema).get(head);
  return rest.length === 0 || field === undefined ? field : fieldAt(recordOf(field), rest.join('.'));
}

function setPath(errors: Errors, path: string, problem: Errors[string]): void {
  const [head = '', ...rest] = path.split('.');
  if (rest.length === 0) {
    errors[head] = problem;
    return;
  }
  const below = errors[head];
  const nested: Errors = typeof below === 'object' && below !== null && !Array.isArray(below) ? below : {};
  errors[head] = nested;
  setPath(nested, rest.join('.'), problem);
}

const quoted = (names: readonly string[]) => names.map((name) => `'${name}'`).join(', ');

function isEmpty(value: Json | undefined): boolean {
  return value == null || value === '' || (isTable(value) && Object.keys(value).length === 0);
}
