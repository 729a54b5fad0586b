import { readdirSync, readFileSync } from 'node:fs';
import js from '@eslint/js';
import tseslint from 'typescript-eslint';

/** The table of rooms, from the page that people read: each folder of src with the folders that it may import. */
function readRooms() {
  const table = readFileSync('docs/architecture.md', 'utf8');
  const rows = [...table.matchAll(/^\| `src\/([a-z-]+)` .*\| +([a-z, -]+?) +\|$/gm)];
  const names = rows.map(([, name]) => name);
  const folders = readdirSync('src', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const missing = folders.map(({ name }) => name).filter((name) => !names.includes(name));
  if (missing.length > 0)
    throw new Error(`docs/architecture.md has no row for src/${missing.join(', src/')}`);
  return rows.map(([, name, may], index) => ({ name, may: allowed(may, names.slice(0, index)) }));
}

function allowed(text, above) {
  if (text === 'nothing') return [];
  return text === 'everything above' ? above : text.split(', ');
}

const rooms = readRooms();

/** What a folder of src may not import. */
function boundary({ name, may }) {
  const forbidden = rooms.map((room) => room.name).filter((other) => other !== name && !may.includes(other));
  if (forbidden.length === 0) return {};
  const ways = forbidden.flatMap((other) => [1, 2, 3].map((depth) => `${'../'.repeat(depth)}${other}`));
  const later = `ImportExpression[source.value=/^(\\.\\.\\x2f)+(${forbidden.join('|')})(\\x2f|$)/]`;
  const message = `${name} may not import this room (docs/architecture.md)`;
  return {
    files: [`src/${name}/**`],
    rules: {
      'no-restricted-imports': ['error', { patterns: ways.flatMap((way) => [way, `${way}/*`]) }],
      'no-restricted-syntax': ['error', { selector: later, message }],
    },
  };
}

export default tseslint.config(
  { ignores: ['build', 'dist', 'node_modules'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: {
          allowDefaultProject: ['*.mjs', 'scripts/*.mjs'],
          // The scripts are few and small; what it warns of does not show.
          maximumDefaultProjectFileMatchCount_THIS_WILL_SLOW_DOWN_LINTING: 20,
        },
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        {
          property: 'getPeerX509Certificate',
          message: 'Node never frees the issuers (docs/decisions/0161).',
        },
      ],
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  ...rooms.map(boundary),
  {
    files: ['**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: { globals: { process: 'readonly', console: 'readonly', fetch: 'readonly' } },
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'no-console': 'off' },
  },
  {
    files: ['test/**', 'bench/**', 'demo/**', 'src/cli/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
