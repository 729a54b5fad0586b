import { compareText, isTable, type Json, type JsonObject } from './json';
import { pretty } from './lua';
import type { Errors } from './schema/field';

/** A request that is answered with an error, as Kong words it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly status: number,
    readonly body: JsonObject,
    readonly headers: Record<string, string> = {},
  ) {
    super(typeof body['message'] === 'string' ? body['message'] : 'refused');
  }
}

function kongError(
  status: number,
  code: number,
  name: string,
  message: string,
  fields?: JsonObject,
): Refusal {
  return new Refusal(status, { name, code, message, ...(fields === undefined ? {} : { fields }) });
}

/** Kong's short answers, such as `{"message":"Not found"}`. */
export function plain(status: number, message: string): Refusal {
  return new Refusal(status, { message });
}

/** One line for each problem, the two upper levels as a path, deeper ones as a printed table. */
export function schemaViolation(errors: Errors): Refusal {
  const own = errors['@entity'];
  const lines: string[] = Array.isArray(own) ? own.map(String) : [];
  for (const field of Object.keys(errors).sort(compareText)) {
    const problem = errors[field];
    if (field === '@entity' || problem === undefined) continue;
    if (!isTable(problem)) lines.push(`${field}: ${String(problem)}`);
    else {
      for (const [key, value] of sortedEntries(problem)) {
        lines.push(`${field}.${key}: ${isTable(value) ? pretty(value, false) : String(value)}`);
      }
    }
  }
  const message =
    lines.length === 1
      ? `schema violation (${lines.join('')})`
      : `${lines.length} schema violations (${lines.join('; ')})`;
  return kongError(400, 2, 'schema violation', message, errors);
}

function sortedEntries(table: object): [string, unknown][] {
  if (Array.isArray(table)) {
    return table.flatMap((item, index): [string, unknown][] =>
      item == null ? [] : [[String(index + 1), item]],
    );
  }
  return Object.entries(table).sort(([a], [b]) => compareText(a, b));
}

export function primaryKeyViolation(id: string): Refusal {
  return kongError(
    400,
    3,
    'primary key violation',
    `primary key violation on key '${pretty({ id }, true)}'`,
    { id },
  );
}

export function foreignKeyViolation(field: string, id: string, referenced: string): Refusal {
  const key = pretty({ id }, true);
  const message = `the foreign key '${key}' does not reference an existing '${referenced}' entity.`;
  return kongError(400, 4, 'foreign key violation', message, { [field]: { id } });
}

export function stillReferenced(referenced: string, by: string): Refusal {
  const message = `an existing '${by}' entity references this '${referenced}' entity`;
  return kongError(400, 4, 'foreign key violation', message, { '@referenced_by': by });
}

export function uniqueViolation(key: JsonObject): Refusal {
  const message = `UNIQUE violation detected on '${pretty(key, true)}'`;
  return kongError(409, 5, 'unique constraint violation', message, key);
}

export function notFoundById(id: string): Refusal {
  const message = `could not find the entity with primary key '${pretty({ id }, true)}'`;
  return kongError(404, 6, 'not found', message, { id });
}

export function notFoundBy(field: string, value: string): Refusal {
  const message = `could not find the entity with '${pretty({ [field]: value }, true)}'`;
  return kongError(404, 6, 'not found', message, { [field]: value });
}

export function invalidOffset(offset: string): Refusal {
  return kongError(400, 7, 'invalid offset', `'${offset}' is not a valid offset: bad base64 encoding`);
}

export function invalidSize(message: string): Refusal {
  return kongError(400, 9, 'invalid size', message);
}

export function invalidUnique(field: string, message: string): Refusal {
  return kongError(400, 10, `invalid unique ${field}`, message);
}

/** Every write of an entity without a database. */
export function unsupported(operation: string, entityType: string, by?: string): Refusal {
  const target = by === undefined ? '' : ` by '${by}'`;
  const message = `cannot ${operation} '${entityType}' entities${target} when not using a database`;
  return kongError(405, 12, 'operation unsupported', message);
}

export function declarativeError(errors: Json, flattened?: Json[]): Refusal {
  const refusal = kongError(
    400,
    14,
    'invalid declarative configuration',
    `declarative config is invalid: ${pretty(errors, true)}`,
    errors as JsonObject,
  );
  if (flattened !== undefined) refusal.body['flattened_errors'] = flattened;
  return refusal;
}
