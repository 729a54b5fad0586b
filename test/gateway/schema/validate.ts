import { isObject, isTable, type Json, type JsonObject } from '../json';
import { luaPattern } from '../lua';
import { isUuid } from '../uuid';
import { runChecks } from './checks';
import {
  fieldsOf,
  isReference,
  recordOf,
  type ErrorNode,
  type Errors,
  type Field,
  type RecordSchema,
} from './field';
import { process } from './process';

/** Errors of a whole entity or record, worded as Kong does; null: none. */
export function validate(schema: RecordSchema, input: JsonObject): Errors | null {
  const errors: Errors = {};
  const fields = fieldsOf(schema);
  for (const [name, value] of Object.entries(input)) {
    const field = fields.get(name);
    const problem = field === undefined ? 'unknown field' : validateField(field, value);
    if (problem !== null) errors[name] = problem;
  }
  for (const [name, field] of fields) {
    if (field.required === true && input[name] == null) errors[name] = 'required field missing';
  }
  runChecks(schema, input, errors);
  return Object.keys(errors).length === 0 ? null : errors;
}

export function validateField(field: Field, value: Json): ErrorNode {
  if (value === null) {
    if (field.ne === null) return field.err ?? 'value must not be null';
    if (field.eq !== undefined && field.eq !== null) return `value must be ${text(field.eq)}`;
    return field.required === true ? 'required field missing' : null;
  }
  if (field.eq === null) return field.err ?? 'value must be null';
  if (field.type === 'string' && field.referenceable === true && isReference(value)) return null;
  const problem = checkType(field, value) ?? checkRules(field, value);
  return problem === null || field.err === undefined ? problem : field.err;
}

function checkType(field: Field, value: Json): ErrorNode {
  switch (field.type) {
    case 'string':
      return typeof value === 'string' ? null : 'expected a string';
    case 'number':
      return typeof value === 'number' ? null : 'expected a number';
    case 'integer':
      return Number.isInteger(value) ? null : 'expected an integer';
    case 'boolean':
      return typeof value === 'boolean' ? null : 'expected a boolean';
    case 'array':
    case 'set':
      if (isEmptyTable(value)) return null;
      if (!Array.isArray(value)) return field.type === 'set' ? 'expected a set' : 'expected an array';
      return elements(field, value);
    case 'map':
      if (isEmptyTable(value)) return null;
      return isObject(value) ? entries(field, value) : 'expected a map';
    case 'record': {
      if (!isTable(value)) return 'expected a record';
      const schema = recordOf(field);
      return validate(schema, process(schema, isObject(value) ? value : {}, 'insert'));
    }
    case 'foreign':
      return isObject(value) && isUuid(value['id']) ? null : 'expected a foreign key';
  }
}

const isEmptyTable = (value: Json) => isTable(value) && Object.keys(value).length === 0;

function elements(field: Field, items: Json[]): ErrorNode {
  const element = field.elements;
  if (element === undefined) return null;
  const problems: ErrorNode[] = [];
  for (const [index, item] of items.entries()) {
    const problem = validateField({ ...element, required: true }, item);
    if (problem === null) continue;
    while (problems.length < index) problems.push(null);
    problems[index] = problem;
  }
  return problems.length === 0 ? null : problems;
}

function entries(field: Field, value: JsonObject): ErrorNode {
  for (const [key, item] of Object.entries(value)) {
    const problem =
      (field.keys && validateField({ ...field.keys, required: true }, key)) ??
      (field.values && validateField({ ...field.values, required: true }, item));
    if (problem != null) return problem;
  }
  return null;
}

const text = (value: Json) => (isTable(value) ? JSON.stringify(value) : String(value));
const list = (values: readonly Json[]) => values.map(text).join(', ');
const integer = (value: number) => String(Math.trunc(value));

/** In Kong's order: the first rule that fails is the one reported. */
function checkRules(field: Field, value: Json): string | null {
  if (field.eq !== undefined && value !== field.eq) return `value must be ${text(field.eq)}`;
  if (field.ne !== undefined && value === field.ne) return `value must not be ${text(value)}`;
  if (field.not_one_of?.includes(value)) return `must not be one of: ${list(field.not_one_of)}`;
  if (field.one_of?.includes(value) === false) return `expected one of: ${list(field.one_of)}`;
  if (typeof value === 'number') {
    if (field.gt !== undefined && !(value > field.gt)) return `value must be greater than ${field.gt}`;
    if (field.timestamp === true && value <= 0) return 'expected a valid timestamp';
    const [low, high] = field.between ?? [-Infinity, Infinity];
    if (value < low || value > high) return `value should be between ${integer(low)} and ${integer(high)}`;
  }
  if (field.uuid === true && !isUuid(value)) return 'expected a valid UUID';
  const length = lengthOf(value);
  if (length !== null) {
    const least = field.len_min ?? (field.type === 'string' ? 1 : 0);
    if (field.len_eq !== undefined && length !== field.len_eq) return `length must be ${field.len_eq}`;
    if (length < least) return `length must be at least ${least}`;
    if (field.len_max !== undefined && length > field.len_max)
      return `length must be at most ${field.len_max}`;
  }
  if (Array.isArray(value) && field.contains !== undefined && !value.includes(field.contains)) {
    return `expected to contain: ${text(field.contains)}`;
  }
  return typeof value === 'string' ? checkText(field, value) : null;
}

function lengthOf(value: Json): number | null {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return isTable(value) ? Object.keys(value).length : null;
}

function checkText(field: Field, value: string): string | null {
  const matches = (pattern: string) => luaPattern(pattern).test(value);
  const invalid = `invalid value: ${value}`;
  if (field.starts_with !== undefined && !value.startsWith(field.starts_with)) {
    return `should start with: ${field.starts_with}`;
  }
  if (field.not_match !== undefined && matches(field.not_match)) return invalid;
  const forbidden = field.match_none?.find(({ pattern }) => matches(pattern));
  if (forbidden !== undefined) return forbidden.err ?? invalid;
  if (field.match !== undefined && !matches(field.match)) return invalid;
  const unmet = field.match_all?.find(({ pattern }) => !matches(pattern));
  if (unmet !== undefined) return unmet.err ?? invalid;
  if (field.match_any?.patterns.some(matches) === false) return field.match_any.err ?? invalid;
  return field.custom_validator?.(value) ?? null;
}
