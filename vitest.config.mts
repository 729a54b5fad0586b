import { readFileSync } from 'node:fs';
import { resolve, dirname } from 'node:path';
import { defineConfig } from 'vitest/config';
import { threadPath, WORKER, workerSource } from './scripts/worker-source.mjs';

/** As the bundler does it: these files are text. */
const asText = {
  name: 'as-text',
  enforce: 'pre' as const,
  resolveId: (id: string, from?: string) =>
    /\.(html|css|md)$/.test(id) && from !== undefined ? `\0text:${resolve(dirname(from), id)}.text` : null,
  load: (id: string) =>
    id.startsWith('\0text:')
      ? `export default ${JSON.stringify(readFileSync(id.slice(6, -5), 'utf8'))}`
      : null,
};

const workersAsText = {
  name: 'workers-as-text',
  enforce: 'pre' as const,
  resolveId: (id: string, from?: string) =>
    WORKER.test(id) && from !== undefined ? `\0worker:${threadPath(id, from)}` : null,
  load: async (id: string) =>
    id.startsWith('\0worker:')
      ? `export default ${JSON.stringify((await workerSource(id.slice(8))).text)}`
      : null,
};

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

const UNIT = 'test/unit/**/*.test.ts';
/** Unit tests that replace a module of Node, or need a process in which no secret was read. */
const ALONE = ['test/unit/sources/directory/large-inodes.test.ts', 'test/unit/report/redact.test.ts'];

export default defineConfig({
  // As the bundler does it: pages and pictures show the version.
  define: { __VERSION__: JSON.stringify(version) },
  plugins: [asText, workersAsText],
  test: {
    projects: [
      // Unit tests leave their process as they found it: many share one, and each module is loaded once.
      {
        extends: true,
        // They wait more than they work: many side by side take no longer than one.
        test: {
          name: 'unit',
          include: [UNIT],
          exclude: ALONE,
          isolate: false,
          maxWorkers: 8,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/!(unit)/**/*.test.ts', ...ALONE],
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
    // Everything that sockets, processes or a real Kong take part in may be slow on a shared machine.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    reporters: ['default', './test/support/skipped.mts'],
    // Room for another title: a test has its process look like nginx, whatever the length of its own command line.
    execArgv: [`--title=${'vitest'.padEnd(300)}`],
  },
});
