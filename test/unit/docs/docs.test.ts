import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
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
