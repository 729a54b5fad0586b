import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from './json';
import { luaPattern, pretty } from './lua';
import { schemaViolation } from './refusal';
import type { EntityCheck, Field, NamedField, RecordSchema } from './schema/field';
import { merge, process } from './schema/process';
import { validate } from './schema/validate';

function problemOf(field: Field, value: Json): unknown {
  return validate({ fields: [{ x: field }] }, { x: value })?.['x'] ?? null;
}

const text: Field = { type: 'string' };

describe('a field', () => {
  test.for<{ field: Field; value: Json; problem: unknown }>([
    { field: { type: 'integer' }, value: 1.5, problem: 'expected an integer' },
    { field: { type: 'integer' }, value: '1', problem: 'expected an integer' },
    { field: { type: 'number' }, value: true, problem: 'expected a number' },
    { field: { type: 'boolean' }, value: 'true', problem: 'expected a boolean' },
    { field: { type: 'string' }, value: 1, problem: 'expected a string' },
    { field: { type: 'string' }, value: '', problem: 'length must be at least 1' },
    { field: { type: 'string', len_min: 0 }, value: '', problem: null },
    { field: { type: 'array', elements: text }, value: 'a', problem: 'expected an array' },
    { field: { type: 'set', elements: text }, value: { a: 1 }, problem: 'expected a set' },
    { field: { type: 'array', elements: text }, value: ['a', 1], problem: [null, 'expected a string'] },
    { field: { type: 'map', keys: text, values: text }, value: 'a', problem: 'expected a map' },
    { field: { type: 'map', keys: text, values: text }, value: { a: 1 }, problem: 'expected a string' },
    { field: { type: 'record', fields: [] }, value: 'a', problem: 'expected a record' },
    { field: { type: 'record', fields: [{ y: text }] }, value: { z: 1 }, problem: { z: 'unknown field' } },
    {
      field: { type: 'integer', between: [1, 86400] },
      value: 0,
      problem: 'value should be between 1 and 86400',
    },
    { field: { type: 'number', gt: 0 }, value: 0, problem: 'value must be greater than 0' },
    { field: { type: 'string', one_of: ['a', 'b'] }, value: 'c', problem: 'expected one of: a, b' },
    { field: { type: 'string', not_one_of: ['a'] }, value: 'a', problem: 'must not be one of: a' },
    { field: { type: 'string', match: '^%d+%.%d+$' }, value: '1x2', problem: 'invalid value: 1x2' },
    { field: { type: 'string', starts_with: '/' }, value: 'a', problem: 'should start with: /' },
    { field: { type: 'array', len_min: 1, elements: text }, value: [], problem: 'length must be at least 1' },
    { field: { type: 'string', len_max: 2 }, value: 'abc', problem: 'length must be at most 2' },
    { field: { type: 'string', required: true }, value: null, problem: 'required field missing' },
    { field: { type: 'string' }, value: null, problem: null },
    { field: { type: 'string', referenceable: true, match: '^a' }, value: '{vault://env/x}', problem: null },
    {
      field: { type: 'string', match: '^a' },
      value: '{vault://env/x}',
      problem: 'invalid value: {vault://env/x}',
    },
  ])('$field.type takes $value or says $problem', ({ field, value, problem }) => {
    expect(problemOf(field, value)).toEqual(problem);
  });
});

describe('a check of several fields', () => {
  const fields: NamedField[] = [{ a: text }, { b: text }, { c: { type: 'record', fields: [{ d: text }] } }];
  const conditional = {
    if_field: 'a',
    if_match: { one_of: ['x'] },
    then_field: 'b',
    then_match: { required: true },
  };

  test.for<{ check: EntityCheck; given: JsonObject; errors: unknown }>([
    { check: { at_least_one_of: ['a', 'c.d'] }, given: { c: { d: '1' } }, errors: null },
    {
      check: { at_least_one_of: ['a', 'c.d'] },
      given: {},
      errors: { '@entity': ["at least one of these fields must be non-empty: 'a', 'c.d'"] },
    },
    {
      check: { only_one_of: ['a', 'b'] },
      given: { a: '1', b: '1' },
      errors: { '@entity': ["exactly one of these fields must be non-empty: 'a', 'b'"] },
    },
    {
      check: { mutually_required: ['a', 'b'] },
      given: { a: '1' },
      errors: { '@entity': ["all or none of these fields must be set: 'a', 'b'"] },
    },
    {
      check: { distinct: ['a', 'b'] },
      given: { a: '1', b: '1' },
      errors: { '@entity': ["values of these fields must be distinct: 'a', 'b'"] },
    },
    { check: { conditional }, given: { a: 'y' }, errors: null },
    { check: { conditional }, given: { a: 'x', b: '1' }, errors: null },
    {
      check: { conditional },
      given: { a: 'x' },
      errors: {
        b: 'required field missing',
        '@entity': ["failed conditional validation given value of field 'a'"],
      },
    },
  ])('$check with $given finds $errors', ({ check, given, errors }) => {
    const schema: RecordSchema = { fields, entity_checks: [check] };
    expect(validate(schema, process(schema, given, 'insert'))).toEqual(errors);
  });
});

test('defaults are filled in, also below required records, and nulls elsewhere', () => {
  const inner: NamedField[] = [{ ttl: { type: 'integer', default: 60 } }, { token: text }];
  const fields: NamedField[] = [
    { needed: { type: 'record', required: true, fields: inner } },
    { optional: { type: 'record', fields: inner } },
    { list: { type: 'array', elements: { type: 'record', fields: inner } } },
    { names: { type: 'set', elements: text } },
  ];
  expect(process({ fields }, { list: [{}], names: ['a', 'a'] }, 'insert')).toEqual({
    needed: { ttl: 60, token: null },
    optional: null,
    list: [{ ttl: 60, token: null }],
    names: ['a'],
  });
});

test('an update merges records and replaces lists', () => {
  const fields: NamedField[] = [{ config: { type: 'record', fields: [{ a: text }, { b: text }] } }];
  const before = { config: { a: '1', b: '2' }, tags: ['x'] };
  expect(merge({ fields }, { config: { a: '3' }, tags: ['y'] }, before)).toEqual({
    config: { a: '3', b: '2' },
    tags: ['y'],
  });
});

test('problems two levels down are one line each, deeper ones a printed table', () => {
  const { message } = schemaViolation({
    config: { interval: 'expected an integer', verify: { timeout: 'expected an integer' } },
    '@entity': ['all is wrong'],
  });
  expect(message).toBe(
    '3 schema violations (all is wrong; config.interval: expected an integer; ' +
      'config.verify: {\n  timeout = "expected an integer"\n})',
  );
});

test('a table is printed as Lua writes it', () => {
  expect(pretty({ id: 'x', 'a b': ['1', null, '3'], end: true }, true)).toBe(
    '{["a b"]={"1",[3]="3"},["end"]=true,id="x"}',
  );
});

test.for([
  { pattern: '^%a[%w_%-]*$', matching: 'a_b-9', other: '9a' },
  { pattern: '^https?://.+', matching: 'https://x', other: 'ftp://x' },
  { pattern: '^[^%s]+$', matching: 'ab', other: 'a b' },
  { pattern: 'a.-b', matching: 'a++b', other: 'ba' },
  { pattern: '^%(x|y%)$', matching: '(x|y)', other: '(x' },
])('the Lua pattern $pattern matches $matching and not $other', ({ pattern, matching, other }) => {
  const expression = luaPattern(pattern);
  expect([expression.test(matching), expression.test(other)]).toEqual([true, false]);
});
