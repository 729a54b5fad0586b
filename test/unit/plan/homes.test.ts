import { describe, expect, it, test } from 'vitest';
import type { ObservedHome, StoredCertificate } from '../../../src/model';
import { HomeBook } from '../../../src/plan';
import { stored } from '../../support/plans';

const seen = (certificate: StoredCertificate, ...places: string[]): ObservedHome => ({
  certificate,
  half: 'main',
  places,
});
const www = (age: number, names = ['www.test']) => stored('K', { names, age });

describe('the home book', () => {
  it('knows nothing of what it never saw', () => {
    expect(new HomeBook().of(www(10), 'main')).toBeNull();
    expect(new HomeBook().ofName('www.test')).toEqual([]);
  });

  it('knows where what Kong has came from, and by the name alone once Kong has nothing', () => {
    const book = new HomeBook();
    book.note([seen(www(10), 'a')]);
    expect(book.of(www(10), 'main')?.places).toEqual(['a']);
    expect(book.ofName('www.test')).toEqual(['a']);
  });

  it('keeps the last leaves of one home, and none of the home before', () => {
    const book = new HomeBook();
    const leavesOf = () => book.of(www(1), 'main')?.leaves.length;
    for (const age of [40, 30, 20, 10]) book.note([seen(www(age), 'a')]);
    expect(leavesOf()).toBe(3);
    book.note([seen(www(5), 'b')]);
    expect(book.of(www(5), 'main')).toMatchObject({ places: ['b'], leaves: { length: 1 } });
  });

  it('has at a place the names of its latest leaf alone', () => {
    const at = (book: HomeBook) => book.namesAt(new Set(['a'])).get('a');
    const book = new HomeBook();
    book.note([seen(www(40, ['www.test', 'old.test']), 'a'), seen(www(30, ['other.test']), 'b')]);
    expect(at(book)).toEqual(['www.test', 'old.test']);
    book.note([seen(www(10), 'a')]);
    expect(at(book)).toEqual(['www.test']);
    expect(at(HomeBook.load(book.serialise()))).toEqual(['www.test']);
  });

  it('keeps few places of many copies', () => {
    const book = new HomeBook();
    book.note([seen(www(10), 'a', 'b', 'c', 'd', 'e', 'f')]);
    expect(book.ofName('www.test')).toEqual(['a', 'b', 'c', 'd']);
  });

  it('puts the homes of several names together, those of what was seen of the certificate first', () => {
    const book = new HomeBook();
    book.note([seen(www(10, ['a.test']), 'a'), seen(stored('L', { names: ['b.test'], age: 20 }), 'b')]);
    const joined = stored('K', { names: ['a.test', 'b.test'], main: www(10, ['a.test']).main });
    expect(book.of(joined, 'main')?.places).toEqual(['a']);
    const neither = stored('K', { names: ['a.test', 'b.test'], age: 33 });
    expect(book.of(neither, 'main')?.places.toSorted()).toEqual(['a', 'b']);
  });

  it('knows both halves apart, and a certificate without SNIs by its id', () => {
    const book = new HomeBook();
    const client = stored('C', { names: ['client.test'], snis: [] });
    book.note([
      seen(www(10), 'rsa'),
      { certificate: { ...www(10), alt: www(11).main }, half: 'alt', places: ['ec'] },
    ]);
    book.note([seen(client, 'client')]);
    expect(book.of(www(10), 'main')?.places).toEqual(['rsa']);
    expect(book.of(www(10), 'alt')?.places).toEqual(['ec']);
    expect(book.ofName('www.test')).toEqual(['rsa', 'ec']);
    expect(book.of(client, 'main')?.places).toEqual(['client']);
    expect(book.ofName('client.test')).toEqual([]);
  });

  it('says once that something is new, and not that all is as it was', () => {
    const book = new HomeBook();
    book.note([seen(www(10), 'a')]);
    expect([book.takeChanged(), book.takeChanged()]).toEqual([true, false]);
    book.note([seen(www(10), 'a')]);
    expect(book.takeChanged()).toBe(false);
    book.note([seen(www(5), 'a')]);
    expect(book.takeChanged()).toBe(true);
  });

  it('is the same after it was written down', () => {
    const book = new HomeBook();
    book.note([seen(www(10, ['a.test', 'b.test']), 'a'), seen(stored('L', { names: ['c.test'] }), 'c')]);
    const again = HomeBook.load(book.serialise());
    expect(again.serialise()).toBe(book.serialise());
    for (const name of ['a.test', 'b.test', 'c.test']) expect(again.ofName(name)).toEqual(book.ofName(name));
    expect(again.takeChanged()).toBe(false);
  });

  test.for<[text: string, what: string]>([
    ['', 'nothing'],
    ['{"version":2,"homes":[[["a"],[],["www.test"]]]}', 'another version'],
    ['{"version":1,"homes":{}}', 'something else than a list'],
    [
      '{"version":1,"homes":[["a",[],["www.test"]],[[1],[],["www.test"]],[["a"],[]]]}',
      'entries of another kind',
    ],
    ['null', 'no record'],
  ])('%s (%s) is read as an empty book', ([text]) => {
    expect(HomeBook.load(text).ofName('www.test')).toEqual([]);
  });
});
