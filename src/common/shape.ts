/** Tests the shape of a value of parsed JSON. Further fields are allowed. */
export type Shape<T> = (value: unknown) => value is T;

type Shaped<S> = S extends Shape<infer T> ? T : never;

/** Longer than any text of this program. */
const MAX_TEXT = 16 * 1024;
/** The years 1500 to 9999. */
const [FIRST_MS, LAST_MS] = [-14_830_974_000_000, 253_402_300_799_999];

export const isText: Shape<string> = (value): value is string =>
  typeof value === 'string' && value.length <= MAX_TEXT;

export const isFlag: Shape<boolean> = (value): value is boolean => typeof value === 'boolean';

export const isCount: Shape<number> = (value): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0;

/** Milliseconds since the epoch. */
export const isTime: Shape<number> = (value): value is number =>
  typeof value === 'number' && value >= FIRST_MS && value <= LAST_MS;

/** A time in ISO 8601. */
export const isTimeText: Shape<string> = (value): value is string =>
  isText(value) && isTime(Date.parse(value));

export const orNull =
  <T>(shape: Shape<T>): Shape<T | null> =>
  (value): value is T | null =>
    value === null || shape(value);

export const orAbsent =
  <T>(shape: Shape<T>): Shape<T | undefined> =>
  (value): value is T | undefined =>
    value === undefined || shape(value);

export const oneOf =
  <Word extends string>(words: Readonly<Record<Word, unknown>>): Shape<Word> =>
  (value): value is Word =>
    typeof value === 'string' && Object.hasOwn(words, value);

export const listOf =
  <T>(shape: Shape<T>): Shape<readonly T[]> =>
  (value): value is readonly T[] =>
    Array.isArray(value) && value.every(shape);

export function recordOf<Fields extends Record<string, Shape<unknown>>>(
  fields: Fields,
): Shape<{ [Name in keyof Fields]: Shaped<Fields[Name]> }> {
  const all = Object.entries(fields);
  return (value): value is { [Name in keyof Fields]: Shaped<Fields[Name]> } => {
    if (typeof value !== 'object' || value === null) return false;
    for (const [name, shape] of all)
      if (!shape(Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined))
        return false;
    return true;
  };
}
