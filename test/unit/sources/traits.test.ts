import { describe, expect, it, test } from 'vitest';
import { completeConfig } from '../../../src/app/config';
import { createSources } from '../../../src/sources';

const sourceOf = (fields: object) =>
  createSources(completeConfig({ sources: [fields] }), () => false).sources[0];

describe('whose place a source is', () => {
  test.for([
    ['a file', { type: 'file', cert: '/c.pem' }, 'operator'],
    ['a folder', { type: 'directory', path: '/certs' }, 'operator'],
    ['a URL', { type: 'http', url: 'https://a.test/c.pem' }, 'operator'],
    ['a path in Vault', { type: 'vault', url: 'https://a.test', secret_path: 'a', token: 't' }, 'operator'],
    [
      'Secrets by name in one namespace',
      { type: 'kubernetes', namespaces: ['a'], names: ['www'] },
      'operator',
    ],
    [
      'Secrets by name in several namespaces',
      { type: 'kubernetes', namespaces: ['a', 'b'], names: ['w'] },
      'tenants',
    ],
    ['Secrets by name in all namespaces', { type: 'kubernetes', names: ['www'] }, 'tenants'],
    ['a whole namespace', { type: 'kubernetes', namespaces: ['a'] }, 'tenants'],
    ['Secrets by label', { type: 'kubernetes', namespaces: ['a'], label_selector: 'a=b' }, 'tenants'],
    ['every Secret', { type: 'kubernetes' }, 'tenants'],
  ] as const)('%s', ([, fields, whose]) => {
    expect(sourceOf(fields)?.ownership ?? 'operator').toBe(whose);
    expect(sourceOf({ ...fields, alias: 'site' })?.ownership ?? 'operator').toBe(whose);
  });

  it('that is found without configured sources is that of the tenants', () => {
    const { sources, clusters } = createSources(completeConfig({}), () => true);
    expect(sources.map(({ ownership = 'operator' }) => ownership)).toEqual([
      'operator',
      'operator',
      'tenants',
    ]);
    for (const client of clusters.values()) client.close();
  });
});

it.each([
  [{ create: true }, true],
  [{ create: false }, false],
  [{}, false],
])('%j says in so many words that certificates are created: %j', (create, isExplicit) => {
  for (const fields of [
    { type: 'file', cert: '/c.pem' },
    { type: 'kubernetes', namespaces: ['a'], password_file: '/p' },
  ]) {
    expect(sourceOf({ ...fields, ...create })?.createIsExplicit).toBe(isExplicit);
  }
});
