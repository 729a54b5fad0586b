import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';

const page = readFileSync('docs/architecture.md', 'utf8');
const rows = [...page.matchAll(/^\| `src\/([a-z-]+)` .*\| +([a-z, -]+?) +\|$/gm)];
const RELATIVE = /(?:from|import\(|import) ?'(\.\.?\/[^']+)'/g;

// The linter refuses what the table does not allow.
it.for(
  rows.map(([, room = '', may = '']) => [room, may] as const).filter(([, may]) => may !== 'everything above'),
)('src/%s imports all that its row allows (%s)', ([room, may]) => {
  const used = new Set<string>();
  for (const name of readdirSync(join('src', room), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const path = join('src', room, name);
    for (const [, to = ''] of readFileSync(path, 'utf8').matchAll(RELATIVE)) {
      const [top, other = ''] = normalize(join(dirname(path), to)).split('/');
      if (top === 'src' && other !== room) used.add(other);
    }
  }
  expect([...used].sort()).toEqual(may === 'nothing' ? [] : may.split(', ').sort());
});

it('each row of the table is read', () => {
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(rows).toHaveLength(folders.length);
});
