import js from '@eslint/js';
import tseslint from 'typescript-eslint';

const FOLDERS = [
  'default-certificate',
  'leadership',
  'pass',
  'trust',
  'write-back',
  'alerts',
  'app',
  'authority',
  'certificates',
  'cli',
  'common',
  'config',
  'gateway',
  'http',
  'kubernetes',
  'model',
  'plan',
  'plugin-server',
  'report',
  'sources',
  'status',
  'verify',
];

/** What a folder of src may import from the others. */
function layer(name, allowed) {
  const forbidden = FOLDERS.filter((folder) => folder !== name && !allowed.includes(folder));
  return {
    files: [`src/${name}/**`],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: forbidden.flatMap((folder) => [
            `../${folder}`,
            `../${folder}/*`,
            `../../${folder}`,
            `../../${folder}/*`,
          ]),
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ['build', 'dist', 'node_modules'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['*.mjs', 'scripts/*.mjs'] } },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
    },
  },
  // The folders are layers (docs/architecture.md): words, then pure functions on them, then stages that do not
  // know each other, then the app that composes them.
  layer('model', []),
  layer('common', []),
  layer('config', []),
  layer('http', ['model', 'common']),
  layer('authority', []),
  layer('certificates', ['model']),
  layer('kubernetes', ['model', 'common', 'http']),
  layer('sources', ['model', 'common', 'certificates', 'http', 'config', 'kubernetes']),
  layer('gateway', ['model', 'common', 'http', 'config', 'certificates']),
  layer('verify', ['model', 'certificates', 'config']),
  layer('report', ['model', 'common', 'config']),
  layer('status', ['model', 'common', 'certificates', 'config']),
  layer('leadership', ['model', 'config']),
  layer('plugin-server', ['common']),
  layer('alerts', ['model', 'common', 'http', 'config']),
  layer('plan', ['model', 'certificates']),
  layer('pass', ['model', 'common', 'certificates', 'plan', 'config']),
  // Steps of a pass.
  layer('trust', ['model', 'certificates', 'pass']),
  layer('write-back', ['model', 'common', 'certificates', 'pass', 'config']),
  layer('default-certificate', ['model', 'certificates', 'pass', 'config']),
  {
    // Scripts of the status page, which are put together to one.
    files: ['**/*.client.js'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: { ...tseslint.configs.disableTypeChecked.languageOptions, sourceType: 'script' },
    rules: {
      ...tseslint.configs.disableTypeChecked.rules,
      'no-undef': 'off',
      '@typescript-eslint/no-unused-vars': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    ...tseslint.configs.disableTypeChecked,
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
    rules: { ...tseslint.configs.disableTypeChecked.rules, 'no-console': 'off' },
  },
  {
    files: ['test/**', 'bench/**', 'demo/**', 'src/cli/**'],
    rules: { 'no-console': 'off', '@typescript-eslint/no-non-null-assertion': 'off' },
  },
);
