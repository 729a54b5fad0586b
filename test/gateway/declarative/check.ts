import { expand, notEnabled } from '../admin/entity-service';
import { entityType, NESTED, type EntityType } from '../entities/definitions';
import { isObject, isTable, textOf, type Json, type JsonObject } from '../json';
import type { ErrorNode, Errors, Field } from '../schema/field';
import { process } from '../schema/process';
import { validate, validateField } from '../schema/validate';

/** Finds the schema of an entity; a plugin's depends on its name. */
export type SchemaFor = (name: string, item: JsonObject) => EntityType | undefined;

const EXTRAS: Record<string, Field> = {
  _comment: { type: 'string' },
  _ignore: { type: 'array' },
};

const META: Record<string, Field> = {
  _format_version: { type: 'string', required: true, one_of: ['1.1', '2.1', '3.0'] },
  _transform: { type: 'boolean' },
  ...EXTRAS,
};

/** Errors of a declarative document, nested as the document is; null: none. */
export function checkDocument(document: JsonObject, schemaFor: SchemaFor): Errors | null {
  // Kong checks a document that it refuses a second time, with the ids filled in, and then complains about SNIs
  // that stand nested in a certificate whatever else was wrong.
  return errorsOf(document, schemaFor, false) === null ? null : errorsOf(document, schemaFor, true);
}

function errorsOf(document: JsonObject, schemaFor: SchemaFor, isSecondLook: boolean): Errors | null {
  const errors: Errors = {};
  const add = (name: string, problem: ErrorNode) => {
    if (problem !== null) errors[name] = problem;
  };
  for (const [name, field] of Object.entries(META)) add(name, validateField(field, document[name] ?? null));
  for (const [name, value] of Object.entries(document)) {
    if (META[name] !== undefined) continue;
    if (entityType(name) === undefined) add(name, 'unknown field');
    else add(name, checkList(name, value, null));
  }
  return Object.keys(errors).length === 0 ? null : errors;

  function checkList(name: string, value: Json, parentField: string | null): ErrorNode {
    if (value === null || (isTable(value) && Object.keys(value).length === 0)) return null;
    if (!Array.isArray(value)) return 'expected an array';
    const problems: ErrorNode[] = [];
    for (const [index, item] of value.entries()) {
      const problem = checkItem(name, item, parentField);
      if (problem === null) continue;
      while (problems.length < index) problems.push(null);
      problems[index] = problem;
    }
    return problems.length === 0 ? null : problems;
  }

  function checkItem(name: string, item: Json, parentField: string | null): ErrorNode {
    if (!isObject(item)) return 'expected a record';
    const nested: Errors = {};
    const own: JsonObject = {};
    for (const [field, value] of Object.entries(item)) {
      const childField = NESTED[name]?.[field];
      const problem = childField === undefined ? null : checkList(field, value, childField);
      if (problem !== null) nested[field] = problem;
      if (childField === undefined && EXTRAS[field] === undefined) own[field] = value;
    }
    const problems = { ...checkOwn(name, own, parentField), ...nested };
    return Object.keys(problems).length === 0 ? null : problems;
  }

  function checkOwn(name: string, item: JsonObject, parentField: string | null): Errors {
    const schema = schemaFor(name, item);
    if (schema === undefined) {
      const { name: plugin } = item;
      return { name: plugin == null ? 'required field missing' : notEnabled(textOf(plugin)) };
    }
    if (!schema.isValidated) return {};
    const foreign = Object.keys(schema.foreign);
    const fields = schema.fields.filter((named) => !foreign.some((field) => field in named));
    const plain = Object.fromEntries(Object.entries(item).filter(([field]) => !foreign.includes(field)));
    const errors = validate({ ...schema, fields }, process({ fields }, expand(name, plain), 'insert')) ?? {};
    for (const field of foreign) {
      const isMissing = item[field] == null && name === 'snis';
      if (isMissing && (field !== parentField || isSecondLook)) errors[field] = 'required field missing';
    }
    return errors;
  }
}
