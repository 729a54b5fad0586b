import { isObject, type Json } from '../json';

const TYPES = 'string integer number boolean array set map record foreign json function'.split(' ');

const ATTRIBUTES = new Set(
  (
    'type required reference description examples auto unique unique_across_ws on_delete default abstract ' +
    'generate_admin_api immutable err encrypted referenceable json_schema transient deprecation between eq ne gt ' +
    'len_eq len_min len_max match not_match match_all match_none match_any starts_with one_of not_one_of contains ' +
    'is_regex timestamp uuid mutually_exclusive_subsets elements keys values fields entity_checks shorthand_fields'
  ).split(' '),
);

/** Attributes that Kong accepts for some types only. */
const LIMITED: Record<string, readonly string[]> = {
  between: ['integer', 'number'],
  len_eq: ['array', 'set', 'string', 'map'],
  match: ['string'],
  one_of: ['string', 'number', 'integer'],
  contains: ['array', 'set'],
  is_regex: ['string'],
  timestamp: ['number', 'integer'],
  uuid: ['string'],
  unique: ['string', 'number', 'integer', 'foreign'],
  transient: ['string', 'number', 'integer', 'array', 'set', 'boolean'],
};

const NEEDED: Record<string, readonly string[]> = {
  array: ['elements'],
  set: ['elements'],
  map: ['keys', 'values'],
  record: ['fields'],
};

const CHECKS = new Set(
  (
    'at_least_one_of conditional_at_least_one_of only_one_of distinct conditional mutually_required ' +
    'mutually_exclusive mutually_exclusive_sets'
  ).split(' '),
);

/**
 * Error of Kong's schema of schemas for a plugin's `config`: a plugin with such a schema keeps Kong from starting.
 * Null: none.
 */
export function schemaProblem(fields: Json | undefined, path = 'config'): string | null {
  if (!Array.isArray(fields)) return `${path}: fields must be a list`;
  for (const named of fields) {
    if (!isObject(named) || Object.keys(named).length !== 1)
      return `${path}: each field must have exactly one name`;
    for (const [name, field] of Object.entries(named)) {
      const problem = fieldProblem(field, `${path}.${name}`);
      if (problem !== null) return problem;
    }
  }
  return null;
}

function fieldProblem(field: Json, path: string): string | null {
  if (!isObject(field)) return `${path}: '${path}' must be a table`;
  const type = field['type'];
  if (typeof type !== 'string') return `${path}: missing type declaration`;
  if (!TYPES.includes(type)) return `${path}: invalid type: ${type}`;
  for (const attribute of Object.keys(field)) {
    if (!ATTRIBUTES.has(attribute)) return `${path}.${attribute}: unknown field`;
    if (LIMITED[attribute]?.includes(type) === false) {
      return `${path}: field of type '${type}' cannot have attribute '${attribute}'`;
    }
  }
  const lacking = NEEDED[type]?.find((attribute) => field[attribute] === undefined);
  if (lacking !== undefined) return `${path}: field of type '${type}' must declare '${lacking}'`;
  const { description } = field;
  if (typeof description === 'string' && (description.length < 10 || description.length > 500)) {
    return `${path}.description: length must be at least 10 and at most 500`;
  }
  for (const nested of ['elements', 'keys', 'values'] as const) {
    const below = field[nested];
    const problem = below === undefined ? null : fieldProblem(below, `${path}.${nested}`);
    if (problem !== null) return problem;
  }
  return type === 'record' ? (schemaProblem(field['fields'], path) ?? checksProblem(field, path)) : null;
}

function checksProblem(record: Record<string, Json>, path: string): string | null {
  const checks = record['entity_checks'] ?? [];
  if (!Array.isArray(checks)) return `${path}.entity_checks: expected an array`;
  for (const check of checks) {
    const names = isObject(check) ? Object.keys(check) : [];
    const [name] = names;
    if (name === undefined || names.length !== 1 || !CHECKS.has(name)) {
      return `${path}.entity_checks: ${name ?? 'an empty entry'} is not a check that a dump can hold`;
    }
  }
  return null;
}
