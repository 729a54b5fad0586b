import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { describe, expect, it } from 'vitest';
import { completeConfig, FIELDS } from '../../../src/app/config';
import { REASONS } from '../../../src/model';
import { LOG_FIELDS } from '../../../src/report';

describe('the documentation', () => {
  const reasons = readFileSync('docs/reasons.md', 'utf8');

  it.each(Object.keys(REASONS))('explains the reason %s', (reason) => {
    expect(reasons).toContain(`| \`${reason}\``);
  });

  it('explains no reason that there is not', () => {
    const documented = [...reasons.matchAll(/^\| `(\w+)`/gm)].map(([, reason]) => reason);
    expect(documented.sort()).toEqual(Object.keys(REASONS).sort());
  });

  it('explains every field of the log in its words, and no other', () => {
    const logs = readFileSync('docs/logs.md', 'utf8');
    const rows = [...logs.matchAll(/^\| `(\w+)` +\| (.*?) +\|$/gm)].map(([, name, meaning]) => [
      name,
      meaning,
    ]);
    expect(Object.fromEntries(rows)).toEqual(LOG_FIELDS);
  });

  it('names a test for each line of the threat model, and each test of an attack in it', () => {
    const model = readFileSync('docs/security.md', 'utf8');
    const rows = model.split('\n').filter((line) => /^\| [A-Z]/.test(line) && !line.startsWith('| Who '));
    const named = rows.map((row) =>
      [...(row.split('|').at(-2) ?? '').matchAll(/`([^`]+)`/g)].map(([, at]) => at),
    );
    expect(rows.length).toBeGreaterThan(10);
    for (const [index, tests] of named.entries()) expect(tests.length, rows[index]).toBeGreaterThan(0);
    const pathOf = (name = '') => (name.includes('/') ? name : `test/security/${name}`);
    const paths = new Set(named.flat().map(pathOf));
    for (const path of paths) expect(existsSync(path) || existsSync(`${path}.test.ts`), path).toBe(true);
    const attacks = readdirSync('test/security').map(
      (name) => `test/security/${name.replace('.test.ts', '')}`,
    );
    expect(attacks.filter((path) => !paths.has(path))).toEqual([]);
  });
});

describe('every configuration that a page shows', () => {
  const pages = ['README.md', 'deploy/kubernetes/README.md', ...pagesBelow('docs')];
  const shown = pages.flatMap((page) => configurationsOf(page).map((config) => [page, config] as const));

  it.each(shown)('is one that the plugin takes (%s)', (_page, config) => {
    expect(() => completeConfig(config)).not.toThrow();
  });

  it('is found', () => expect(shown.length).toBeGreaterThan(15));
});

function pagesBelow(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.md')).map((name) => join(folder, name));
}

interface Shown {
  plugins?: { name: string; config: unknown }[];
  config?: unknown;
  data?: Record<string, string>;
}

/** In `kong.yml`, in a KongClusterPlugin, in a ConfigMap, in a file of `run`, or a part of one. */
function configurationsOf(page: string): unknown[] {
  const blocks = readFileSync(page, 'utf8').matchAll(/^```yaml\n([\s\S]*?)^```/gm);
  const names = new Set<string>(FIELDS.flatMap((field) => Object.keys(field)));
  return [...blocks].flatMap(([, text = '']) =>
    (loadAll(text) as (Shown | null)[]).flatMap((document) => {
      if (document === null) return [];
      if (document.plugins !== undefined) return document.plugins.map(({ config }) => config);
      if (document.config !== undefined) return [document.config];
      if (document.data !== undefined) return Object.values(document.data).flatMap((file) => loadAll(file));
      return Object.keys(document).every((name) => names.has(name)) ? [document] : [];
    }),
  );
}
