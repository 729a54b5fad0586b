/** A page of a list whose entities are parsed one by one. */
export interface SplitPage {
  /** The page without its entities. */
  frame: { next?: unknown };
  /** How many entities there seem to be. */
  count: number;
  /** @throws SyntaxError where the page is not JSON */
  entities: () => Iterable<unknown>;
}

const DATA = '"data":[{';
const BETWEEN = '},{';
const END = '}]';
/** Stands for the entities in the frame, which shows that the list that was found is the page's own. */
const MARK = 0;

/**
 * Splits a page so that its entities are parsed one by one: parsed as a whole, the texts of 500 certificates would live until
 * the last one was processed. It is split where one object seems to end and another to begin. A split within a string or a
 * list leaves a piece that is not JSON; then the whole page is parsed, and continues with the entity whose turn it is.
 * @returns null where the list of entities cannot be found
 */
export function splitPage(bytes: Buffer): SplitPage | null {
  const begin = bytes.indexOf(DATA);
  const end = bytes.lastIndexOf(END) + 1;
  if (begin === -1 || end <= begin) return null;
  const first = begin + DATA.length - 1;
  const text = `${bytes.toString('utf8', 0, first)}${MARK}${bytes.toString('utf8', end)}`;
  const frame = parsed(text) as { data?: unknown; next?: unknown } | null;
  if (!Array.isArray(frame?.data) || frame.data.length !== 1 || frame.data[0] !== MARK) return null;
  // Another list after the entities would hide it, and with it all other pages.
  if (frame.next === undefined) return null;
  const ends: number[] = [];
  for (let at = bytes.indexOf(BETWEEN, first); at !== -1 && at < end; at = bytes.indexOf(BETWEEN, at + 2))
    ends.push(at + 1);
  ends.push(end);
  return { frame, count: ends.length, entities: () => entitiesIn(bytes, first, ends) };
}

function* entitiesIn(bytes: Buffer, first: number, ends: readonly number[]): Iterable<unknown> {
  let begin = first;
  for (const [index, end] of ends.entries()) {
    const entity = parsed(bytes.toString('utf8', begin, end));
    if (entity === null) {
      const { data } = JSON.parse(bytes.toString('utf8')) as { data: unknown[] };
      yield* data.slice(index);
      return;
    }
    yield entity;
    begin = end + 1;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
