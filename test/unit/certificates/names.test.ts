import { describe, expect, it, test } from 'vitest';
import { asSnis, isPattern, namesWarning, whyNotSni } from '../../../src/certificates';
import { covers, normal, sameNames } from '../../../src/plan/names';

describe('the names of a certificate and an SNI of Kong', () => {
  test.for<[names: string, sni: string, covered: boolean]>([
    ['www.example.test', 'www.example.test', true],
    ['www.example.test', 'WWW.Example.TEST', true],
    ['www.example.test', 'example.test', false],
    ['example.test', 'www.example.test', false],
    ['a.test b.test', 'b.test', true],
    ['a.test b.test', 'c.test', false],
    ['*.example.test', 'www.example.test', true],
    ['*.example.test', 'WWW.example.test', true],
    ['*.example.test', '*.example.test', true],
    ['*.example.test', 'example.test', false],
    ['*.example.test', 'a.b.example.test', false],
    ['*.example.test', '*.b.example.test', false],
    ['*.example.test', 'wwwexample.test', false],
    ['*.example.test', '.example.test', false],
    ['*.test', 'example.test', true],
    ['*.test', '*.example.test', false],
    ['www.example.test', '*.example.test', false],
    ['a.example.test b.example.test', '*.example.test', false],
    ['localhost', 'localhost', true],
    ['localhost', 'otherhost', false],
    ['www.example.test', '*', true],
    ['www.example.test', 'www.example.*', true],
    ['other.test', 'example.*', true],
    ['', 'www.example.test', false],
    ['', '*', true],
  ])('"%s" cover %s: %s', ([names, sni, covered]) => {
    expect(covers({ names: names.split(' ').filter(Boolean) }, normal(sni))).toBe(covered);
  });

  test.for([
    ['*', true],
    ['example.*', true],
    ['*.example.test', false],
    ['example.test', false],
    ['*.*', true],
  ] as const)('%s is a pattern of Kong that no certificate can promise: %s', ([sni, pattern]) => {
    expect(isPattern(sni)).toBe(pattern);
  });
});

describe('names that Kong takes as SNIs', () => {
  test.for([
    ['www.example.test'],
    ['*.example.test'],
    ['localhost'],
    ['under_score.example.test'],
    ['_dmarc.example.test'],
    ['xn--bcher-kva.example.test'],
    ['a-b.example.test'],
    ['1.example.test'],
    ['192.0.2.example'],
    ['a.b.c.d.e.example.test'],
    [`${'a.'.repeat(126)}a`],
    [`${'a'.repeat(63)}.test`],
  ])('%s', ([name]) => {
    expect(asSnis([name ?? ''])).toEqual([name]);
  });

  test.for([
    ['192.0.2.7', 'an address'],
    ['2001:db8::1', 'an address'],
    ['', 'nothing'],
    ['*', 'every name'],
    ['*.', 'a wildcard of nothing'],
    ['*.*.example.test', 'two wildcards'],
    ['w*.example.test', 'a wildcard within a label'],
    ['a..example.test', 'an empty label'],
    ['.example.test', 'an empty first label'],
    ['example.test.', 'a final dot'],
    ['-a.example.test', 'a hyphen at the start'],
    ['a-.example.test', 'a hyphen at the end'],
    ['my host', 'a blank'],
    ['user@example.test', 'a mail address'],
    ['https://example.test', 'a URL'],
    ['example.test\n', 'a line feed'],
    ['bücher.example.test', 'letters that need punycode'],
    [`${'a.'.repeat(126)}ab`, 'longer than a host name may be'],
    [`${'a'.repeat(64)}.test`, 'a label longer than a label may be'],
    ['a?.example.test', 'octets that were not text'],
  ])('not "%s" (%s)', ([name]) => {
    expect(asSnis([name ?? ''])).toEqual([]);
  });

  test.for([
    ['example.test.', 'ends in a dot'],
    ['192.0.2.7', 'is an address'],
    ['b??cher.test', 'xn--'],
    ['w*.example.test', 'wildcard'],
    [`${'a'.repeat(64)}.test`, 'longer'],
    ['my host', 'is not a host name'],
    ['', 'has no host name'],
  ] as const)('what is wrong with "%s" is said: it %s', ([name, words]) => {
    expect(whyNotSni(name)).toContain(words);
  });

  test.for<[what: string, names: string[], ips: string[], said: string | null]>([
    ['hosts alone', ['www.test', '*.test'], [], null],
    ['hosts and addresses', ['www.test'], ['192.0.2.7', '2001:db8::1'], null],
    ['an address as both kinds of name', ['www.test', '192.0.2.7'], ['192.0.2.7'], null],
    ['neither', [], [], null],
    ['a final dot beside a host', ['www.test', 'shop.test.'], [], '"shop.test." ends in a dot'],
    ['a partial wildcard beside a host', ['www.test', 'w*.shop.test'], [], '"w*.shop.test" has a wildcard'],
    ['an address that is no IP entry', ['192.0.2.7'], [], '"192.0.2.7" is an address written as a name'],
    [
      'more of them than are shown',
      ['a.', 'b.', 'c.', 'd.', 'e.'],
      [],
      '"c." ends in a dot, which clients leave out and 2 more',
    ],
    ['addresses alone', [], ['192.0.2.7', '2001:db8::1'], 'only for addresses (192.0.2.7, 2001:db8::1)'],
    ['an address alone, as both kinds of name', ['192.0.2.7'], ['192.0.2.7'], 'ssl_cert and ssl_cert_key'],
  ])('what a leaf with %s is warned of', ([, names, ips, said]) => {
    const warning = namesWarning({ names, ips });
    if (said === null) expect(warning).toBeNull();
    else expect(warning).toContain(said);
  });

  it('keep their order, and the others are left out', () => {
    expect(asSnis(['b.test', '192.0.2.7', '*.a.test', 'not ok', 'a.test'])).toEqual([
      'b.test',
      '*.a.test',
      'a.test',
    ]);
  });
});

describe('two lists of names', () => {
  const many = Array.from({ length: 1_000 }, (_, index) => `host-${index}.example.test`);
  it.each([few(), many])('are the same in any order, and not with another name', (...names) => {
    expect(sameNames(names, names.toReversed())).toBe(true);
    expect(sameNames(names, [...names.slice(1), 'other.test'])).toBe(false);
    expect(sameNames(names, names.slice(1))).toBe(false);
  });

  it('are compared without looking at each name for each other one', () => {
    let looks = 0;
    const counting = new Proxy(many, {
      get: (target, key, receiver) => {
        looks += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    for (const name of many) expect(covers({ names: counting }, name)).toBe(true);
    expect(looks).toBeLessThan(20_000);
  });

  function few(): string[] {
    return ['a.test', 'b.test'];
  }
});
