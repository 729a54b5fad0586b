import { createHash } from 'node:crypto';
import { Authority, type IssueOptions, type Issued } from '../../src/authority/authority';
import { definite } from '../support/ber';
import { encodePem } from '../../src/certificates/pem';
import type { Reason } from '../../src/model';
import type { Hostile } from './corpus';

const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const sequence = (...parts: Buffer[]) => definite(0x30, Buffer.concat(parts));
const integer = (value: Buffer) => definite(0x02, value);
const times = (count: number, piece: (index: number) => Buffer) =>
  Buffer.concat(Array.from({ length: count }, (_, index) => piece(index)));

/** Octets that look random and are the same in each run. */
const noise = (length: number) => createHash('shake256', { outputLength: length }).update('noise').digest();

const dns = (name: string) => {
  const octets = Buffer.from(name);
  return Buffer.concat([Buffer.of(0x82, octets.length), octets]);
};

const id = {
  names: '2.5.29.17',
  constraints: '2.5.29.30',
  usage: '2.5.29.37',
  information: '1.3.6.1.5.5.7.1.1',
  unknown: '1.3.6.1.4.1.99999.1',
};

/** DER of an RSA public key. */
export function rsaPublicKey(bits: number, exponent: Buffer): Buffer {
  const modulus = noise(bits / 8);
  modulus[0] = (modulus[0] ?? 0) | 0x80;
  modulus[modulus.length - 1] = (modulus.at(-1) ?? 0) | 1;
  const key = sequence(integer(Buffer.concat([hex('00'), modulus])), integer(exponent));
  const algorithm = sequence(hex('06092a864886f70d010101'), hex('0500'));
  return sequence(algorithm, definite(0x03, Buffer.concat([hex('00'), key])));
}

/** PKCS#8 of a DSA key whose public half takes OpenSSL hours. */
export function longDsaKey(): Buffer {
  const number = integer(Buffer.concat([hex('01'), noise(12_000)]));
  const algorithm = sequence(hex('06072a8648ce380401'), sequence(number, integer(hex('11')), number));
  return sequence(hex('020100'), algorithm, definite(0x04, number));
}

/** Whole bundles whose certificates were made to cost time, in every way that a reader may be led into. */
export function hostileCertificates(): (Hostile & { outcome: Reason | 'passes' })[] {
  const root = Authority.root('Root');
  const leaf = { names: ['www.example.test'] };
  const withLeaf = (options: Partial<IssueOptions>) =>
    root.intermediate('Issuing').issue({ ...leaf, ...options });
  const withIssuer = (options: Partial<IssueOptions>, of: Partial<IssueOptions> = {}) =>
    root.intermediate('Issuing', options).issue({ ...leaf, ...of });
  const withNames = (count: number, name: (index: number) => string) =>
    withLeaf({ extensions: [{ id: id.names, value: sequence(times(count, (at) => dns(name(at)))) }] });
  const constraints = (count: number) => ({
    id: id.constraints,
    critical: true,
    value: sequence(
      definite(
        0xa0,
        times(count, (at) => sequence(dns(`${at}.test`))),
      ),
    ),
  });
  const thousand = Array.from({ length: 1_000 }, (_, at) => `host-${at}.example.test`);
  const namesakes = (count: number) => {
    const issued = withLeaf({});
    const others = Array.from({ length: count }, (_, at) =>
      root.intermediate('Issuing', { notAfter: new Date(Date.now() + (100 + at) * 86_400_000) }),
    );
    return { ...issued, chain: issued.cert + others.map(({ cert }) => cert).join('') };
  };
  const bundles: [string, Reason | 'passes', Issued][] = [
    ['40,000 names', 'too_large', withNames(40_000, (at) => `${at}.t`)],
    ['10,001 names', 'too_many_names', withNames(10_001, (at) => `${at}.t`)],
    ['1,001 names', 'too_many_names', withNames(1_001, (at) => `${at}.test`)],
    ['10,000 times the same name', 'too_many_names', withNames(10_000, () => 'a.test')],
    [
      'a name of 60,000 octets',
      'passes',
      withLeaf({
        extensions: [{ id: id.names, value: sequence(definite(0x82, Buffer.alloc(60_000, 'a.'))) }],
      }),
    ],
    ['an RSA key of 15,360 bits', 'weak_key', withLeaf({ publicKey: rsaPublicKey(15_360, hex('010001')) })],
    ['an RSA key of 131,072 bits', 'weak_key', withLeaf({ publicKey: rsaPublicKey(131_072, hex('010001')) })],
    ['an RSA exponent of 1', 'weak_key', withLeaf({ publicKey: rsaPublicKey(2_048, hex('01')) })],
    ['an RSA exponent of 0', 'weak_key', withLeaf({ publicKey: rsaPublicKey(2_048, hex('00')) })],
    ['an RSA exponent that is even', 'weak_key', withLeaf({ publicKey: rsaPublicKey(2_048, hex('010000')) })],
    ['an RSA exponent below zero', 'weak_key', withLeaf({ publicKey: rsaPublicKey(2_048, hex('ff')) })],
    [
      'an RSA exponent of 2,048 bits',
      'weak_key',
      withLeaf({ publicKey: rsaPublicKey(2_048, Buffer.concat([hex('00'), noise(255), hex('01')])) }),
    ],
    [
      'an issuer with an RSA key of 15,360 bits',
      'weak_key',
      withIssuer({ publicKey: rsaPublicKey(15_360, hex('010001')) }),
    ],
    [
      'an issuer with an RSA exponent of 8,192 bits',
      'weak_key',
      withIssuer({ publicKey: rsaPublicKey(8_192, Buffer.concat([hex('00'), noise(1_023), hex('01')])) }),
    ],
    [
      '5,000 name constraints',
      'chain_broken',
      withIssuer({ extensions: [constraints(5_000)] }, { names: thousand }),
    ],
    [
      'name constraints that are malformed',
      'chain_broken',
      withIssuer({ extensions: [{ id: id.constraints, value: hex('3080') }] }),
    ],
    [
      'a critical extension of 90,000 octets',
      'chain_broken',
      withLeaf({ extensions: [{ id: id.unknown, critical: true, value: noise(90_000) }] }),
    ],
    [
      'an extension of 700,000 octets',
      'too_large',
      withLeaf({ extensions: [{ id: id.unknown, value: noise(700_000) }] }),
    ],
    [
      '30,000 usages',
      'passes',
      withLeaf({ extensions: [{ id: id.usage, value: sequence(times(30_000, () => hex('06012a'))) }] }),
    ],
    [
      '10,000 addresses of its issuer',
      'too_large',
      withLeaf({
        extensions: [
          { id: id.information, value: sequence(times(10_000, () => sequence(hex('06012a 860161')))) },
        ],
      }),
    ],
    [
      '5,000 extensions',
      'passes',
      withLeaf({
        extensions: Array.from({ length: 5_000 }, (_, at) => ({
          id: `1.3.6.1.4.1.99999.${at}`,
          value: hex('0500'),
        })),
      }),
    ],
    ['31 issuers of one name', 'chain_broken', namesakes(31)],
    ['200 issuers of one name', 'chain_broken', namesakes(200)],
  ];
  const { chain, key } = withLeaf({});
  const certificates = bundles.map(([name, outcome, issued]) => ({
    ...hostile(`a certificate with ${name}`, issued.chain, issued.key),
    outcome,
  }));
  const keys = [
    hostile('a DSA key of 96,000 bits', chain, encodePem('PRIVATE KEY', longDsaKey())),
    hostile('a DSA key under an older label', chain, encodePem('DSA PRIVATE KEY', longDsaKey())),
    hostile('an RSA key of 900,000 octets', chain, encodePem('RSA PRIVATE KEY', rsaPrivateKey(100_000))),
    hostile('an RSA key of 15,000 octets', chain, encodePem('RSA PRIVATE KEY', rsaPrivateKey(1_600))),
    hostile('a key of an unknown label', chain, key.replaceAll('PRIVATE KEY', 'ANY PRIVATE KEY')),
  ];
  const refused = (key: Hostile) =>
    ({ ...key, outcome: key.key.length > 1_000_000 ? 'too_large' : 'unsupported_format' }) as const;
  return [...certificates, ...keys.map(refused)];
}

function rsaPrivateKey(octets: number): Buffer {
  const number = () => integer(Buffer.concat([hex('01'), noise(octets), hex('01')]));
  return sequence(integer(hex('00')), ...Array.from({ length: 8 }, number));
}

const hostile = (name: string, cert: string, key: string): Hostile => ({
  name,
  cert: Buffer.from(cert, 'latin1'),
  key: Buffer.from(key, 'latin1'),
  password: 'none',
});
