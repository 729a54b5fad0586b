import { expect, it } from 'vitest';
import { splitPage } from '../../../src/gateway/admin/split-page';

const split = (text: string): unknown => {
  const page = splitPage(Buffer.from(text));
  return page === null ? null : { ...page.frame, data: [...page.entities()] };
};

const next = '/certificates?offset=WyJ9XSJd&size=500';

it.for<[what: string, page: object]>([
  [
    'certificates',
    {
      data: [
        { id: '1', cert: 'A\nB/', snis: ['a', 'b'] },
        { id: '2', tags: null },
      ],
      next,
    },
  ],
  ['one entity, the list last', { next: null, offset: null, data: [{ id: '1' }] }],
  ['empty objects', { data: [{}, {}, {}], next: null }],
  ['objects in objects', { data: [{ a: { b: {} } }, { a: { b: { c: [] } }, d: {} }], next }],
  ['names beyond ASCII', { data: [{ id: '1', tags: ['prüfung', '証明書'] }, { id: '2' }], next }],
])('splits a page of %s', ([, page]) => {
  expect(split(JSON.stringify(page))).toEqual(page);
});

it.for<[what: string, page: object]>([
  ['lists of objects in an entity', { data: [{ id: '1' }, { a: [{ b: 1 }, { c: 2 }] }, { id: '3' }], next }],
  ['texts that look like an end', { data: [{ a: 'x},{y' }, { a: '}]' }, { '"},{"': '"data":[{' }], next }],
  ['a text that looks like the next entity', { data: [{ a: '"},{"b":"' }, { a: 1 }], next }],
])('continues with the whole page after %s', ([, page]) => {
  expect(split(JSON.stringify(page))).toEqual(page);
});

it('yields what JSON.parse does, or nothing, for any page', () => {
  const pieces = ['},{', '}]', '"data":[{', '\\', '"', 'a', 'é', '[{', ']}', '{', '}', ',', ':'];
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const text = () => Array.from({ length: random(4) }, () => pieces[random(pieces.length)]).join('');
  const value = (depth: number): unknown => {
    switch (random(depth > 2 ? 2 : 4)) {
      case 0:
        return text();
      case 1:
        return null;
      case 2:
        return Array.from({ length: random(3) }, () => value(depth + 1));
      default:
        return object(depth + 1);
    }
  };
  const object = (depth: number) =>
    Object.fromEntries(Array.from({ length: random(4) }, () => [text(), value(depth)]));
  let taken = 0;
  for (let count = 0; count < 2_000; count++) {
    const data = Array.from({ length: random(5) }, () => object(0));
    const page = random(2) === 0 ? { data, next } : { [text()]: value(0), next, data, offset: text() };
    const json = JSON.stringify(page);
    const found = split(json);
    if (found === null) continue;
    taken += 1;
    expect(found).toEqual(JSON.parse(json));
  }
  expect(taken).toBeGreaterThan(500);
});

it.for([
  ['an empty list', '{"data":[],"next":null}'],
  ['another answer', '{"message":"not found"}'],
  ['a list in another member', '{"other":{"data":[{"a":1}]},"data":[]}'],
  [
    'a list of others after the next page',
    '{"data":[{"a":1}],"next":"/certificates?offset=1","others":[{"b":1}]}',
  ],
  ['a cut-off page', '{"data":[{"a":1},{"b":'],
  ['a text', '"data":[{}]'],
])('does not split %s', ([, text = '']) => {
  expect(split(text)).toBeNull();
});

it('fails where a piece is cut off', () => {
  expect(() => split('{"data":[{"a":1},{"b":},{"c":1}],"next":null}')).toThrow(SyntaxError);
});
