import { load } from 'js-yaml';
import { describe, expect, it, test } from 'vitest';
import { editCertificates } from '../../../src/write-back/file-certificates';
import { OUR_TAG, toStored, toTexts, type CertificateEntity } from '../../../src/gateway/admin/entities';
import { issue, secretsIn } from '../../support/bundles';

const ID = '11111111-1111-4111-8111-111111111111';
const aged = (minutes: number, more: Parameters<typeof issue>[0] = {}) =>
  issue({ notBefore: new Date(Date.now() - minutes * 60_000), ...more });
const [old, renewed, twin] = [aged(60), aged(10), aged(5, { key: 'rsa-2048' })];

const entity = (more: Partial<CertificateEntity> = {}): CertificateEntity => ({
  id: ID,
  cert: renewed.chain,
  key: renewed.key,
  snis: ['www.example.test'],
  tags: [],
  ...more,
});

/** The file's content with these certificates of Kong's. */
function edit(text: string, ...entities: CertificateEntity[]) {
  const byId = new Map(entities.map((one) => [one.id, toTexts(one)]));
  return editCertificates(
    text,
    entities.map((one) => toStored(one)),
    (id) => Promise.resolve(byId.get(id) ?? null),
  );
}

const indented = (pem: string, by: number) => pem.trimEnd().replace(/^/gm, ' '.repeat(by));
const quoted = (pem: string) => JSON.stringify(pem);

/** Each layout with the places of certificate and key; everything around them has to stay to the letter. */
const LAYOUTS: [string, (cert: string, key: string) => string][] = [
  [
    'blocks of lines, with comments and an order of its own',
    (cert, key) => `# ours
_format_version: "3.0"   # for Kong 3
services:
  - url: http://a   # on
    name:   "a"
    tags: [yes, no,  on]

certificates:
  # the shop
  - snis:
      - name: www.example.test
    key: |   # the key
${indented(key, 6)}
    # the chain
    cert: |
${indented(cert, 6)}

# the end
plugins: []
`,
  ],
  [
    'blocks without an indent of the list, matched by id',
    (cert, key) =>
      `_format_version: '3.0'\ncertificates:\n- id: ${ID}\n  cert: |\n${indented(cert, 4)}\n  key: |\n${indented(key, 4)}\n  tags:\n  - a\n`,
  ],
  [
    'texts in double quotes',
    (cert, key) =>
      `certificates:\n- cert: ${quoted(cert)}  # c\n  key: ${quoted(key)}\n  snis: [{name: www.example.test}]\nx: 1\n`,
  ],
  [
    'flow style',
    (cert, key) =>
      `certificates: [ {id: ${ID},   cert: ${quoted(cert)}, key: ${quoted(key)}} ]   # one line\nupstreams: []`,
  ],
  [
    'JSON',
    (cert, key) =>
      `{\n  "_format_version": "3.0",\n  "certificates": [\n    {\n      "cert": ${quoted(cert)},\n      "key": ${quoted(key)},\n      "snis": [{ "name": "www.example.test" }]\n    }\n  ],\n  "on": 1e3\n}\n`,
  ],
  [
    'SNIs with their certificate at top level',
    (cert, key) =>
      `snis:\n- name: www.example.test\n  certificate: ${ID}\ncertificates:\n- id: ${ID}\n  cert: ${quoted(cert)}\n  key: ${quoted(key)}\n`,
  ],
];

describe('a certificate that was renewed', () => {
  test.for(LAYOUTS)('is replaced, and nothing else, in %s', async ([, layout]) => {
    const result = await edit(layout(old.chain, old.key), entity());
    expect(result.written).toEqual([ID]);
    expect(result.text).toBe(layout(renewed.chain, renewed.key));
  });

  test.for(LAYOUTS)('that is in it already changes nothing in %s', async ([, layout]) => {
    expect(await edit(layout(renewed.chain, renewed.key), entity())).toEqual({
      text: null,
      written: [],
      left: new Map(),
    });
  });

  test.for(LAYOUTS)('gains its other half in %s', async ([, layout]) => {
    const more = { cert_alt: twin.chain, key_alt: twin.key };
    const { text } = await edit(layout(old.chain, old.key), entity(more));
    const { certificates } = load(text ?? '') as { certificates: CertificateEntity[] };
    expect(certificates).toHaveLength(1);
    expect(certificates[0]).toMatchObject({ cert: renewed.chain, key: renewed.key, ...more });
    expect((await edit(text ?? '', entity(more))).text).toBeNull();
  });

  it('keeps the line ends of the file', async () => {
    const [, layout] = LAYOUTS[1]!;
    const windows = (text: string) => text.replaceAll('\n', '\r\n');
    const { text } = await edit(windows(layout(old.chain, old.key)), entity());
    expect(text).toBe(windows(layout(renewed.chain, renewed.key)));
  });
});

describe('an entry that is left alone', () => {
  const file = (cert: string, key: string, more = '') =>
    `certificates:\n- id: ${ID}\n  cert: ${cert}\n  key: ${key}\n${more}`;

  test.for<[string, string, RegExp]>([
    ['vault references', file("'{vault://env/cert}'", "'{vault://env/key}'"), /reference/],
    [
      'a key that is a reference',
      file(quoted(old.chain), "'{vault://env/key}'"),
      /its key in the file is a reference/,
    ],
    [
      'texts that stand elsewhere in the file',
      `x-cert: &cert ${quoted(old.chain)}\n${file('*cert', quoted(old.key))}`,
      /is not plain text/,
    ],
    [
      'texts that others refer to',
      file(`&cert ${quoted(old.chain)}`, quoted(old.key), 'x: *cert\n'),
      /is not plain text/,
    ],
    ['a certificate that is newer in the file', file(quoted(aged(1).chain), quoted(old.key)), /newer/],
  ])('%s', async ([, text, why]) => {
    const result = await edit(text, entity());
    expect(result.text).toBeNull();
    expect(result.written).toEqual([]);
    expect(result.left.get(ID)).toMatch(why);
  });

  it.each([
    ['certificates that only Kong has', 'certificates: []\n'],
    [
      'an entry of other names',
      `certificates:\n- cert: ${quoted(old.chain)}\n  key: ${quoted(old.key)}\n  snis:\n  - name: other.test\n`,
    ],
    ['a file without certificates', '_format_version: "3.0"\n'],
    ['an empty file', ''],
  ])('%s', async (_, text) => {
    expect(await edit(text, entity())).toMatchObject({ text: null, written: [] });
  });

  it.each([
    ['its id', `id: ${ID}\n  `],
    ['its names', ''],
  ])('with a name that Kong has elsewhere by now, found by %s', async (_, id) => {
    const text = `certificates:\n- ${id}cert: ${quoted(old.chain)}\n  key: ${quoted(old.key)}\n  snis: [{name: www.example.test}, {name: api.example.test}]\n`;
    for (const tags of [[], [OUR_TAG]]) {
      const result = await edit(text, entity({ tags }));
      expect(result.text).toBeNull();
      expect(result.left.get(ID)).toMatch(/SNI api\.example\.test/);
    }
  });

  it('that has another id', async () => {
    const text = `certificates:\n- id: other\n  cert: ${quoted(old.chain)}\n  key: ${quoted(old.key)}\n  snis: [{name: www.example.test}]\n`;
    expect((await edit(text, entity())).text).toBeNull();
  });
});

describe('a certificate of ours that is not in the file', () => {
  const ours = entity({ tags: [OUR_TAG], cert_alt: twin.chain, key_alt: twin.key });
  const other = `\n  - {cert: a, key: b}\n`;

  test.for<[string, string]>([
    ['a list of blocks', `_format_version: "3.0"\ncertificates:${other}plugins: []\n`],
    ['a list at the end of the file, without a line end', `certificates:${other}`.trimEnd()],
    ['no list', '_format_version: "3.0"\n# the end\n'],
    ['an empty list', '_format_version: "3.0"\ncertificates: []  # none\nplugins: []\n'],
    ['JSON', '{\n  "certificates": [\n    {"cert": "a", "key": "b"}\n  ]\n}\n'],
  ])('is added to %s', async ([, text]) => {
    const result = await edit(text, ours);
    expect(result.written).toEqual([ID]);
    const before = load(text) as { certificates?: object[] };
    const { certificates, ...rest } = load(result.text ?? '') as { certificates: object[] };
    expect(certificates).toEqual([
      ...(before.certificates ?? []),
      { ...ours, snis: [{ name: 'www.example.test' }] },
    ]);
    expect({ ...before, certificates: null }).toEqual({ ...rest, certificates: null });
    for (const comment of text.match(/#.*/g) ?? []) expect(result.text).toContain(comment);
    expect((await edit(result.text ?? '', ours)).text).toBeNull();
  });

  it.each([
    [
      'an SNI of it is there for another one',
      'snis:\n- name: www.example.test\n  certificate: other\n',
      /SNI www.example.test/,
    ],
    ['JSON has no list', '{"plugins": []}', /no list/],
    ['the file is no map', '- a\n', /no list/],
  ])('is not where %s', async (_, text, why) => {
    const result = await edit(text, ours);
    expect(result.text).toBeNull();
    expect(result.left.get(ID)).toMatch(why);
  });
});

test.for<[string, string]>([
  ['cut off', `certificates:\n- cert: "${old.chain}`],
  ['two documents', 'a: 1\n---\nb: 2\n'],
  ['the same name twice', `certificates:\n- key: ${quoted(old.key)}\n  key: ${quoted(old.key)}\n`],
  ['tabs', `certificates:\n\t- key: ${quoted(old.key)}\n`],
])('a file that is no good YAML (%s) is refused without a word of its text', async ([, text]) => {
  const error = await edit(text, entity()).then(
    () => null,
    (reason: unknown) => reason as Error,
  );
  expect(error?.message).toMatch(/not YAML that can be edited \([A-Z_]+(, line \d+)?\)/);
  for (const secret of secretsIn(old.key + old.chain)) expect(error?.message).not.toContain(secret);
});
