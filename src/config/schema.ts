import type { KongField, NamedField } from './kong-field';

/**
 * The fields in the form of a Kong schema, without the properties that only this project's checks and documents
 * use.
 */
export function toKongSchema(fields: readonly NamedField[]): NamedField[] {
  return fields.map((named) =>
    Object.fromEntries(Object.entries(named).map(([name, field]) => [name, toKongField(field)])),
  );
}

function toKongField({ unit: _unit, ends_with_port: _port, ...field }: KongField): KongField {
  return {
    ...field,
    ...(field.elements === undefined ? {} : { elements: toKongField(field.elements) }),
    ...(field.fields === undefined ? {} : { fields: toKongSchema(field.fields) }),
  };
}
