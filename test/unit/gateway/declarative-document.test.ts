import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { describe, expect, it, test } from 'vitest';
import { DeclarativeDocument } from '../../../src/gateway/declarative/document';
import { DocumentCertificates } from '../../../src/gateway/declarative/certificates';
import { deterministicId } from '../../../src/model';
import { issue } from '../../support/bundles';

const folder = join(__dirname, 'recordings');
/** Answers of a real Kong to GET /config; their private keys are blanked. */
const recordings = readdirSync(folder).map((name): [string, string] => {
  const { response } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
    response: { body: { config: string } | string };
  };
  const body =
    typeof response.body === 'string' ? (JSON.parse(response.body) as { config: string }) : response.body;
  return [name, body.config];
});
const recorded = (name: string) => recordings.find(([file]) => file === `${name}.json`)?.[1] ?? '';

const ID = '11111111-1111-4111-8111-111111111111';
const NEW_ID = '22222222-2222-5222-8222-222222222222';

interface Parsed {
  certificates?: Record<string, unknown>[];
  snis?: Record<string, unknown>[];
  [section: string]: unknown;
}
const parse = (document: DeclarativeDocument) => load(document.toString()) as Parsed;
const issued = issue();
const pair = { cert: issued.chain, key: issued.key };
const edit = (document: DeclarativeDocument) => DocumentCertificates.of(document);

describe('a configuration as Kong exports it', () => {
  test.for(recordings)('stays as it is to the letter but for nested SNIs: %s', async ([, config]) => {
    expect(config.length).toBeGreaterThan(20);
    const [head = '', certificates = '', rest = ''] = config.split(/^(certificates:\n(?:[- ].*\n)*)/m);
    const expected = head + certificates.replace(/^ {2}snis:.*\n(?: {2,}[- ] .*\n)*/gm, '') + rest;
    expect(new DeclarativeDocument(config).toString()).toBe(expected);
    for (const size of [1, 7, 100]) {
      const parts = Array.from({ length: Math.ceil(config.length / size) }, (_, index) =>
        config.slice(index * size, (index + 1) * size),
      );
      expect((await DeclarativeDocument.read(parts)).toString()).toBe(expected);
    }
  });

  test.for([
    [
      'words that YAML 1.1 takes for booleans',
      'plugins:\n- name: x\n  config:\n    on: on\n    flag: "yes"\n    no: n\n',
    ],
    ['nulls', 'services:\n- name: ~\n  tags: ~\n  path: null\n'],
    [
      'numbers in other notations',
      'services:\n- name: 1e3\n  weight: 0x10\n  retries: 007\n  big: 12345678901234567890\n',
    ],
    ['numbers with a point', 'plugins:\n- config:\n    sampling: 1.10\n    rate: 1e-07\n  id: a\n'],
    ['block scalars with blank lines', 'ca_certificates:\n- cert: |\n    line\n\n    another\n\n  id: a\n'],
    [
      'folded and stripped block scalars',
      'plugins:\n- config:\n    a: >-\n      folded\n      text\n    b: |2-\n        indented\n  id: a\n',
    ],
    [
      'code with colons, dashes and hashes',
      'plugins:\n- config:\n    access:\n    - |\n      -- certificates:\n      local t = {} # snis:\n      - x\n  id: a\n',
    ],
    ['long plain values over two lines', 'services:\n- name: a very long name\n    that goes on\n  id: a\n'],
    ['quoted values', `services:\n- name: "a: \\"b\\" \\n c"\n  path: '/it''s'\n  id: 'a'\n`],
    [
      'records in lists',
      'upstreams:\n- targets:\n  - target: a:1\n    weight: 1\n  - target: b:1\n  id: a\n',
    ],
    ['empty lists and records', 'services:\n- tags: []\n  extra: {}\n  id: a\n'],
    ['letters of other alphabets', 'services:\n- name: "bücher ☃"\n  id: a\n'],
    ['sections of other plugins', 'keyauth_credentials:\n- key: a\n  id: b\njwt_secrets:\n- key: c\n'],
    ['a list item of one scalar', '_something:\n- a\n- b\n'],
  ])('keeps %s untouched', ([, text = '']) => {
    const config = `_format_version: '3.0'\n_transform: false\n${text}`;
    const document = new DeclarativeDocument(config);
    expect(document.toString()).toBe(config);
  });

  it('may lack the line feed at its end', () => {
    expect(new DeclarativeDocument("_format_version: '3.0'").toString()).toBe("_format_version: '3.0'\n");
  });

  test.for([
    ['a flow mapping', '{"_format_version": "3.0"}'],
    ['a document mark', "---\n_format_version: '3.0'\n"],
    ['a list at the top', '- a\n- b\n'],
    ['a comment', '# by hand\nservices:\n'],
    ['an HTML page', '<html>\n'],
    ['lines that belong to nothing', '  indented\n'],
  ])('is refused with its first odd line where it has %s, and nothing is posted', ([, text = '']) => {
    expect(() => new DeclarativeDocument(text)).toThrow('nothing was posted');
  });

  it('is refused without quoting more than the beginning of a line, which might be a key', () => {
    const text = `MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7`;
    expect(() => new DeclarativeDocument(text)).not.toThrow(text.slice(0, 21));
  });
});

describe('SNIs nested under a certificate', () => {
  it('are taken out, for they come out twice; everything else stays', () => {
    const config = recorded('dbless-get-config-roundtrip');
    const before = load(config) as Parsed;
    const document = new DeclarativeDocument(config);
    const after = parse(document);
    expect(before.certificates?.[0]).toHaveProperty('snis');
    expect(after.certificates?.[0]).not.toHaveProperty('snis');
    delete before.certificates?.[0]?.['snis'];
    expect(after).toEqual(before);
    expect(after.snis).toHaveLength(1);
  });

  it('are taken out where they stand first or last in their certificate', () => {
    const document = new DeclarativeDocument(
      'certificates:\n- snis:\n  - name: a\n  id: x\n- id: y\n  snis:\n  - name: b\n',
    );
    expect(document.toString()).toBe('certificates:\n- id: x\n- id: y\n');
  });

  it('of a route are left alone', () => {
    const config = 'routes:\n- snis:\n  - a.test\n  id: r\n';
    const document = new DeclarativeDocument(config);
    expect(document.toString()).toBe(config);
  });
});

describe('a certificate', () => {
  it('is replaced in its place, and nothing else changes', async () => {
    const config = recorded('dbless-top-snis-get');
    const document = new DeclarativeDocument(config);
    (await edit(document)).setPair(ID, 'main', pair);
    const before = load(config) as Parsed;
    const after = parse(document);
    expect(after.certificates?.[0]).toMatchObject({
      id: ID,
      cert: issued.chain,
      key: issued.key,
      tags: ['acme'],
    });
    Object.assign(before.certificates?.[0] ?? {}, pair);
    delete before.certificates?.[0]?.['snis'];
    expect(after).toEqual(before);
    // Lines that do not belong to the two fields are the very same.
    const rest = (text: string) =>
      text.split('\n').filter((line) => !/^ {2}(cert|key|snis):|^ {4}/.test(line));
    expect(rest(document.toString())).toEqual(rest(config));
  });

  it('keeps its twin when only one half is replaced', async () => {
    const document = new DeclarativeDocument(
      `certificates:\n- id: ${ID}\n  cert: a\n  key: b\n  cert_alt: c\n  key_alt: d\n`,
    );
    (await edit(document)).setPair(ID, 'alt', { cert: 'new', key: 'newer' });
    expect(parse(document).certificates).toEqual([
      { id: ID, cert: 'a', key: 'b', cert_alt: 'new', key_alt: 'newer' },
    ]);
  });

  it('is found by an id in quotes as well', async () => {
    for (const quoted of [`'${ID}'`, `"${ID}"`]) {
      const document = new DeclarativeDocument(`certificates:\n- id: ${quoted}\n  cert: a\n`);
      expect((await edit(document)).has(ID)).toBe(true);
    }
  });

  it('is created with tags and SNIs beside those that are there', async () => {
    const document = new DeclarativeDocument(recorded('dbless-top-snis-get'));
    (await edit(document)).create(NEW_ID, pair);
    for (const name of ['*.new.test', 'new.test']) (await edit(document)).setSni(name, NEW_ID);
    const { certificates, snis } = parse(document);
    expect(certificates).toHaveLength(2);
    expect(certificates?.[1]).toEqual({
      id: NEW_ID,
      tags: ['ssl-cert-reloader'],
      cert: issued.chain,
      key: issued.key,
    });
    expect(snis?.slice(1)).toEqual([
      { id: deterministicId('sni', '*.new.test'), name: '*.new.test', certificate: NEW_ID },
      { id: deterministicId('sni', 'new.test'), name: 'new.test', certificate: NEW_ID },
    ]);
  });

  it('is created in a configuration that has none yet', async () => {
    const document = new DeclarativeDocument(recorded('dbless-get-config-empty'));
    (await edit(document)).create(NEW_ID, pair);
    (await edit(document)).setSni('a.test', NEW_ID);
    expect(parse(document)).toMatchObject({
      _format_version: '3.0',
      certificates: [{ id: NEW_ID }],
      snis: [{ name: 'a.test', certificate: NEW_ID }],
    });
  });

  it('is created where the sections stand there empty', async () => {
    const document = new DeclarativeDocument('certificates: []\nsnis: {}\nplugins:\n- id: a\n');
    (await edit(document)).create(NEW_ID, pair);
    (await edit(document)).setSni('a.test', NEW_ID);
    expect(parse(document)).toMatchObject({
      certificates: [{ id: NEW_ID }],
      snis: [{ name: 'a.test' }],
      plugins: [{ id: 'a' }],
    });
  });

  it('gets the SNIs that were added to it', async () => {
    const document = new DeclarativeDocument(recorded('dbless-top-snis-get'));
    (await edit(document)).setSni('b.example.test', ID);
    expect(parse(document).snis?.map((sni) => [sni['name'], sni['certificate']])).toEqual([
      ['a.example.test', ID],
      ['b.example.test', ID],
    ]);
  });

  it('is removed together with its SNIs, and only with those', async () => {
    const document = new DeclarativeDocument(recorded('dbless-top-snis-get'));
    const before = document.toString();
    const certificates = await edit(document);
    certificates.create(NEW_ID, pair);
    certificates.setSni('n.test', NEW_ID);
    certificates.remove(NEW_ID);
    expect(document.toString()).toBe(before);
    certificates.remove(ID);
    const { certificates: left, snis, plugins } = parse(document);
    expect([left ?? [], snis ?? []]).toEqual([[], []]);
    expect(plugins).toHaveLength(1);
  });

  it('leaves no empty section behind when the last one is removed', async () => {
    const document = new DeclarativeDocument(recorded('dbless-top-snis-get'));
    (await edit(document)).remove(ID);
    expect(Object.keys(parse(document))).toEqual(['_format_version', '_transform', 'plugins']);
  });

  it('is removed from a configuration without certificates without a trace', async () => {
    const config = recorded('dbless-get-config');
    const document = new DeclarativeDocument(config);
    (await edit(document)).remove(ID);
    expect(document.toString()).toBe(config);
  });

  test.for([
    'line\n',
    'a "quoted" \\ value',
    ' blanks ',
    '# no comment',
    'on',
    '~',
    '1e3',
    '',
    'tab\there',
    'ü ☃ \u2028',
  ])('gets the text %j as it is', async (text) => {
    const document = new DeclarativeDocument(`certificates:\n- id: ${ID}\n  cert: a\n`);
    (await edit(document)).setPair(ID, 'main', { cert: text, key: text });
    expect(parse(document).certificates?.[0]).toEqual({ id: ID, cert: text, key: text });
    expect((await edit(document)).textsOf(ID)?.main).toEqual({ cert: text, key: text });
  });
});

it('takes a half of a certificate away and leaves the other', async () => {
  const document = new DeclarativeDocument(`certificates:\n- id: ${ID}\n  cert: a\n  key: b\n`);
  (await edit(document)).setPair(ID, 'alt', { cert: 'c', key: 'd' });
  expect(parse(document).certificates).toEqual([
    { id: ID, cert: 'a', key: 'b', cert_alt: 'c', key_alt: 'd' },
  ]);
  (await edit(document)).setPair(ID, 'alt', null);
  expect(parse(document).certificates).toEqual([{ id: ID, cert: 'a', key: 'b' }]);
});
