import { expect, it, test } from 'vitest';
import { valuesIn } from '../../src/gateway/node/kong-env';
import { parseListeners } from '../../src/gateway/node/listen';
import { parseServers, parseWorkers, settingIn } from '../../src/gateway/node/nginx-conf';
import { DeclarativeDocument } from '../../src/gateway/declarative/document';
import { Item } from '../../src/gateway/declarative/item';
import { repeatable } from '../../src/http/repeatable';
import { redirectedTo } from '../../src/http/redirect';
import { foreign, safeText } from '../../src/common/safe-text';
import { rememberSecret } from '../../src/common/secrets';
import { partsOf } from '../../src/sources/kubernetes/secret';
import { annotatedHosts, type Secret } from '../../src/sources/kubernetes/secret';
import { layoutOf } from '../../src/sources/directory/layout';
import type { KnownFile } from '../../src/sources/directory/known-files';
import { matchFiles } from '../../src/sources/directory/match';
import { parseName } from '../../src/sources/directory/names';
import { bundleIn } from '../../src/sources/remote/layout';
import { hintOf } from '../../src/sources/vault/client';
import { isLocalName } from '../../src/status/listen-address';
import { noCommonCipher } from '../../src/verify/ciphers';

/*
 * A text from outside that is looked at for as long as the square of its length stops everything else: it was minutes for
 * a message of a megabyte. Each of these takes tens of milliseconds; the limit leaves room for a busy machine.
 */
const MOST_CPU_MS = 5_000;

/** Inputs that have made searches slow: runs of what may begin or end something, and never does. */
const PIECES = [
  ...['a', ' ', '\n', '\t', '\\', '"', "'", '.', '-', '_', ':', '/', '=', ',', ';', '{', '}', '\u0000'],
  ...[
    'eyJ-',
    'eyJa.',
    'a-',
    'x-',
    'a.',
    'b.',
    '.a',
    '://',
    'token:',
    'password: ',
    '"key":',
    '"key":"',
    'sig=',
  ],
  ...[
    'bearer ',
    'authorization ',
    'role ',
    'server {\n',
    'listen ',
    'ssl_protocols ',
    '-----BEGIN ',
    '-----END ',
  ],
  ...[
    '-----BEGIN PRIVATE KEY-----',
    'A\\n',
    '\\n',
    '\n\n',
    '- ',
    '  a:\n',
    '- a\n',
    '\n  ',
    '%41',
    '41:',
    '1.',
    '*.',
  ],
];
const LENGTH = 500_000;

const SECRET = { metadata: { name: 'a', namespace: 'a', resourceVersion: '1', uid: 'u' } } as const;
const annotated = (text: string): Secret => ({
  ...SECRET,
  metadata: { ...SECRET.metadata, annotations: { 'cert-manager.io/alt-names': text } },
});
const NAMES = { cert: null, key: null, chain: null };
const HERE = { protocol: 'https:', hostname: 'a.test', port: '', path: '/' };

/** Everything that searches a text from outside, beside the formats of certificates (costly-files). */
const SEARCHES: Readonly<Record<string, (text: string) => unknown>> = {
  'what leaves the process': safeText,
  "another program's message": (text) => foreign(text),
  'what a server says': (text) => repeatable(text, ['s-e-c-r-e-t']),
  'where a server leads to': (text) => redirectedTo(text, 302, HERE, HERE),
  "Vault's message": (text) => hintOf({ errors: [text] }),
  "a value of Vault's": (text) => bundleIn({ 'tls.crt': text, 'tls.key': [text] }, NAMES),
  'a key of a Secret': (text) => partsOf({ [text]: 'x' }),
  'an annotation of a Secret': (text) => annotatedHosts(annotated(text)),
  '.kong_env': (text) => valuesIn(text.split('\n'), () => true),
  admin_listen: (text) => parseListeners(text),
  'nginx-kong.conf': (text) => [parseServers(text), settingIn(text, 'ssl_protocols'), parseWorkers(text)],
  'a line of nginx-kong.conf': (text) => parseServers(`server {\n    listen ${text}\n}\n`),
  ssl_ciphers: (text) => noCommonCipher('rsa', { protocols: 'TLSv1.2', ciphers: text }),
  "Kong's configuration": (text) => {
    try {
      return new DeclarativeDocument(text);
    } catch {
      return null;
    }
  },
  'a certificate in it': (text) => new Item(`- id: a\n  cert: |-\n    ${text}x\n`).textOf('cert'),
  'a list in it': (text) => new Item(`- id: a\n  tags:\n  - ${text}x\n`).listOf('tags'),
  'the name of a file': (text) => parseName(text.slice(0, 4_096)),
  'the Host of a request': (text) => isLocalName(text.slice(0, 8_192)),
};

/** Milliseconds of this process, whatever else the machine does. */
function cpuMs(work: () => unknown): number {
  const before = process.cpuUsage();
  try {
    work();
  } catch {
    // Other tests check that it is refused.
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

test.for(Object.entries(SEARCHES))(
  '%s costs no more than its length, whatever stands in it',
  { timeout: 120_000 },
  ([, search]) => {
    for (const piece of PIECES) {
      for (const end of ['', 'x', '\n']) {
        const text = piece.repeat(Math.ceil(LENGTH / piece.length)) + end;
        const ms = cpuMs(() => search(text));
        expect(ms, `${JSON.stringify(piece)} again and again`).toBeLessThan(MOST_CPU_MS);
      }
    }
  },
);

it('a text costs no more with as many secrets as are remembered', () => {
  for (let at = 0; at < 600; at++) rememberSecret(`s3cret-value-${at}-${at * 7_919}`);
  const status = JSON.stringify(
    Array.from({ length: 10_000 }, (_, at) => ({ sni: `host-${at}.example.test` })),
  );
  expect(cpuMs(() => safeText(status))).toBeLessThan(MOST_CPU_MS);
});

const file = (name: string, facts: object): KnownFile => {
  const parsed = parseName(name);
  if (parsed === null) throw new Error(`${name} is no name of a certificate`);
  const none = { kind: 'nothing' as const, leaf: null, publicKeys: [], authorities: [], problem: null };
  return { path: `/c/${name}`, folder: '/c', name: parsed, isTold: false, facts: { ...none, ...facts } };
};
const leaf = (at: number, name: string) => ({
  ...{ digest: `d${at}`, publicKey: `k${at}`, issuer: 'x', count: 1, isPem: true },
  info: { keyType: 'rsa', names: [name], notBefore: at, notAfter: 1e15 - at },
});
const many = (make: (at: number) => KnownFile[]) =>
  Array.from({ length: 20_000 }, (_, at) => make(at)).flat();

test.for<[string, () => unknown]>([
  [
    'pairs and chains in one folder',
    () =>
      layoutOf(
        Array.from({ length: 10_000 }, (_, at) => [`p${at}x.crt`, `p${at}x.key`, `chain${at}.pem`]).flat(),
      ),
  ],
  [
    'leaves beside one key that is locked',
    () =>
      matchFiles(
        [
          ...many((at) => [file(`c${at}.pem`, { kind: 'leaf', leaf: leaf(at, `${at}.test`) })]),
          file('z.key', { kind: 'locked' }),
        ],
        new Map(),
      ),
  ],
  [
    'generations of one certificate',
    () =>
      matchFiles(
        many((at) => [file(`c${at}.pem`, { kind: 'bundle', leaf: leaf(at, 'a.test') })]),
        new Map(),
      ),
  ],
  [
    'files that cannot be read',
    () =>
      matchFiles(
        many((at) => [file(`c${at}.pem`, { kind: 'damaged' }), file(`d${at}.key`, { kind: 'damaged' })]),
        new Map(),
      ),
  ],
  [
    'copies of one leaf and of its key',
    () =>
      matchFiles(
        many((at) => [
          file(`c${at}.pem`, { kind: 'leaf', leaf: leaf(0, 'a.test') }),
          file(`d${at}.key`, { kind: 'key', publicKeys: ['k0'] }),
        ]),
        new Map(),
      ),
  ],
])('any number of %s costs no more than that number', ([, work]) => {
  expect(cpuMs(work)).toBeLessThan(MOST_CPU_MS);
});
