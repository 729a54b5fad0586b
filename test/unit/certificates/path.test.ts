import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Authority, type IssueOptions } from '../../../src/authority/authority';
import { checkKeyAndChain } from '../../../src/certificates';
import { definite } from '../../support/ber';
import { opened, raw } from '../../support/bundles';
import { testFolder } from '../../support/folders';
import { missing, run } from '../../support/tools';

type Extension = NonNullable<IssueOptions['extensions']>[number];

const sequence = (...parts: Buffer[]) => short(0x30, ...parts);
function short(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return content.length < 0x80
    ? Buffer.concat([Buffer.of(tag, content.length), content])
    : definite(tag, content);
}
const dns = (name: string) => short(0x82, Buffer.from(name));
const ip = (...octets: number[]) => short(0x87, Buffer.from(octets));
const directory = (commonName: string) =>
  short(
    0xa4,
    sequence(short(0x31, sequence(Buffer.from('0603550403', 'hex'), short(0x0c, Buffer.from(commonName))))),
  );

function constraints({
  permitted = [],
  excluded = [],
}: {
  permitted?: Buffer[];
  excluded?: Buffer[];
}): Extension {
  const list = (tag: number, bases: Buffer[]) =>
    bases.length === 0 ? Buffer.alloc(0) : short(tag, ...bases.map((base) => sequence(base)));
  return { id: '2.5.29.30', critical: true, value: sequence(list(0xa0, permitted), list(0xa1, excluded)) };
}

const critical = (id: string): Extension => ({ id, critical: true, value: Buffer.from('0500', 'hex') });
const keyUsage = (bits: string): Extension => ({
  id: '2.5.29.15',
  critical: true,
  value: Buffer.from(bits, 'hex'),
});
const emailOnly: Extension = { id: '2.5.29.37', value: sequence(Buffer.from('06082b06010505070304', 'hex')) };

interface Case {
  /** Name of the case. */
  about: string;
  names?: string[];
  leaf?: Partial<IssueOptions>;
  issuer?: Partial<IssueOptions>;
  /** Words of the refusal; left out: clients take it. */
  words?: string;
}

const CASES: Case[] = [
  { about: 'a plain chain' },
  {
    about: 'a permitted name',
    issuer: { extensions: [constraints({ permitted: [dns('a.test')] })] },
    names: ['www.a.test'],
  },
  {
    about: 'the permitted name itself',
    issuer: { extensions: [constraints({ permitted: [dns('a.test')] })] },
    names: ['a.test'],
  },
  {
    about: 'a permitted name in capitals',
    issuer: { extensions: [constraints({ permitted: [dns('A.Test')] })] },
    names: ['WWW.a.TEST'],
  },
  {
    about: 'a wildcard below a permitted name',
    issuer: { extensions: [constraints({ permitted: [dns('a.test')] })] },
    names: ['*.a.test'],
  },
  {
    about: 'a name that is not permitted',
    issuer: { extensions: [constraints({ permitted: [dns('a.test')] })] },
    names: ['www.b.test'],
    words: 'does not permit www.b.test',
  },
  {
    about: 'a name that ends like a permitted one',
    issuer: { extensions: [constraints({ permitted: [dns('a.test')] })] },
    names: ['bada.test'],
    words: 'does not permit bada.test',
  },
  {
    about: 'one name of two that is not permitted',
    issuer: { extensions: [constraints({ permitted: [dns('a.test')] })] },
    names: ['www.a.test', 'b.test'],
    words: 'does not permit b.test',
  },
  {
    about: 'two permitted trees',
    issuer: { extensions: [constraints({ permitted: [dns('a.test'), dns('b.test')] })] },
    names: ['www.a.test', 'b.test'],
  },
  {
    about: 'a permitted tree that begins with a dot',
    issuer: { extensions: [constraints({ permitted: [dns('.a.test')] })] },
    names: ['www.a.test'],
  },
  {
    about: 'a name that is the tree without its dot',
    issuer: { extensions: [constraints({ permitted: [dns('.a.test')] })] },
    names: ['a.test'],
    words: 'does not permit a.test',
  },
  {
    about: 'every name permitted',
    issuer: { extensions: [constraints({ permitted: [dns('')] })] },
    names: ['www.b.test'],
  },
  {
    about: 'no name permitted',
    issuer: { extensions: [constraints({ excluded: [dns('')] })] },
    names: ['www.b.test'],
    words: 'does not permit www.b.test',
  },
  {
    about: 'an excluded name',
    issuer: { extensions: [constraints({ excluded: [dns('a.test')] })] },
    names: ['www.a.test'],
    words: 'does not permit www.a.test',
  },
  {
    about: 'a name beside an excluded one',
    issuer: { extensions: [constraints({ excluded: [dns('a.test')] })] },
    names: ['www.b.test'],
  },
  {
    about: 'a name excluded within a permitted tree',
    issuer: { extensions: [constraints({ permitted: [dns('test')], excluded: [dns('a.test')] })] },
    names: ['www.a.test'],
    words: 'does not permit www.a.test',
  },
  {
    about: 'a permitted address',
    issuer: { extensions: [constraints({ permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] })] },
    names: ['192.0.2.7'],
  },
  {
    about: 'an address that is not permitted',
    issuer: { extensions: [constraints({ permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] })] },
    names: ['192.0.3.7'],
    words: 'does not permit 192.0.3.7',
  },
  {
    about: 'an excluded address',
    issuer: { extensions: [constraints({ excluded: [ip(192, 0, 2, 0, 255, 255, 255, 0)] })] },
    names: ['192.0.2.7'],
    words: 'does not permit 192.0.2.7',
  },
  {
    about: 'a permitted IPv6 address',
    issuer: {
      extensions: [
        constraints({
          permitted: [
            ip(
              0x20,
              1,
              0xd,
              0xb8,
              ...Array<number>(12).fill(0),
              255,
              255,
              255,
              255,
              ...Array<number>(12).fill(0),
            ),
          ],
        }),
      ],
    },
    names: ['2001:db8::7'],
  },
  {
    about: 'an IPv6 address that is not permitted',
    issuer: {
      extensions: [
        constraints({
          permitted: [
            ip(
              0x20,
              1,
              0xd,
              0xb8,
              ...Array<number>(12).fill(0),
              255,
              255,
              255,
              255,
              ...Array<number>(12).fill(0),
            ),
          ],
        }),
      ],
    },
    names: ['2001:db9::7'],
    words: 'does not permit 2001:db9::7',
  },
  {
    about: 'an IPv4 address where IPv6 ones alone are permitted',
    issuer: { extensions: [constraints({ permitted: [ip(...Array<number>(32).fill(0))] })] },
    names: ['192.0.2.7'],
    words: 'does not permit 192.0.2.7',
  },
  {
    about: 'a name where addresses alone are constrained',
    issuer: { extensions: [constraints({ permitted: [ip(192, 0, 2, 0, 255, 255, 255, 0)] })] },
    names: ['www.b.test'],
  },
  {
    about: 'a permitted subject',
    issuer: { extensions: [constraints({ permitted: [directory('www.a.test')] })] },
    names: ['www.a.test'],
  },
  {
    about: 'a permitted subject in capitals and with blanks',
    issuer: { extensions: [constraints({ permitted: [directory(' WWW.A.test ')] })] },
    names: ['www.a.test'],
  },
  {
    about: 'a subject that is not permitted',
    issuer: { extensions: [constraints({ permitted: [directory('Somebody')] })] },
    names: ['www.a.test'],
    words: 'does not permit its subject',
  },
  {
    about: 'an excluded subject',
    issuer: { extensions: [constraints({ excluded: [directory('www.a.test')] })] },
    names: ['www.a.test'],
    words: 'does not permit its subject',
  },
  {
    about: 'a critical extension of a leaf that nobody knows',
    leaf: { extensions: [critical('1.3.6.1.4.1.99999.1')] },
    words:
      'certificate 1 of /certs/www.crt has a critical extension that clients do not know (1.3.6.1.4.1.99999.1)',
  },
  {
    about: 'a critical extension of an issuer that nobody knows',
    issuer: { extensions: [critical('1.3.6.1.4.1.99999.1')] },
    words: 'certificate 2 of /certs/www.crt has a critical extension',
  },
  {
    about: 'a precertificate',
    leaf: { extensions: [critical('1.3.6.1.4.1.11129.2.4.3')] },
    words: '1.3.6.1.4.1.11129.2.4.3',
  },
  {
    about: 'an extension that nobody knows and nobody has to',
    leaf: { extensions: [{ ...critical('1.3.6.1.4.1.99999.1'), critical: false }] },
  },
  {
    about: 'a critical usage',
    leaf: {
      extensions: [
        { id: '2.5.29.37', critical: true, value: sequence(Buffer.from('06082b06010505070301', 'hex')) },
      ],
    },
  },
  {
    about: 'an issuer for clients alone',
    issuer: { usage: 'client' },
    leaf: { usage: 'server' },
    words: 'is a CA for another purpose',
  },
  {
    about: 'an issuer for mail alone',
    issuer: { extensions: [emailOnly] },
    words: 'is a CA for another purpose',
  },
  { about: 'an issuer for servers alone', issuer: { usage: 'server' } },
  { about: 'an issuer that may sign certificates', issuer: { extensions: [keyUsage('03020106')] } },
  {
    about: 'an issuer that may not sign certificates',
    issuer: { extensions: [keyUsage('03020780')] },
    words: 'not a CA',
  },
];

describe.each(CASES)('$about', ({ names = ['www.example.test'], leaf, issuer, words }) => {
  const root = Authority.root('Root');
  const intermediate = root.intermediate('Issuing', issuer);
  const issued = intermediate.issue({ names, ...leaf });

  it(words === undefined ? 'passes the gate' : `is refused: ${words}`, () => {
    const why = checkKeyAndChain(opened(raw({ cert: issued.chain, key: issued.key })));
    if (words === undefined) {
      expect(why).toBeNull();
      return;
    }
    expect(why).toMatchObject({ reason: 'chain_broken' });
    expect(why?.message).toContain(words);
  });

  it.skipIf(missing.openssl !== null)('is also what OpenSSL says', () => {
    const folder = testFolder();
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const verify = () =>
      run('openssl', [
        ...['verify', '-purpose', 'sslserver', '-CAfile', file('root.pem', root.cert)],
        ...['-untrusted', file('issuer.pem', intermediate.cert), file('leaf.pem', issued.cert)],
      ]);
    if (words === undefined) expect(verify().toString()).toContain('OK');
    else expect(verify).toThrow();
  });
});
