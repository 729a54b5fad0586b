import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { cli, ENVIRONMENT } from '../../support/cli';
import { commandsOf } from './blocks';

/** `npm run docs` writes the outputs of a run into the pages. */
const WRITES = process.env['DOCS'] === 'write';

const run = promisify(execFile);

const OUTPUTS: readonly { command: string; pages: readonly string[]; output: () => Promise<string> }[] = [
  {
    command: 'npm ci && npm run demo',
    pages: ['README.md', 'README.zh-CN.md'],
    output: async () => (await run(process.execPath, ['build/demo.cjs'], { env: ENVIRONMENT })).stdout,
  },
  {
    command: 'ssl-cert-reloader explain key_mismatch',
    pages: ['docs/cli.md'],
    output: async () => (await cli('explain', 'key_mismatch')).stdout,
  },
];

it.for(OUTPUTS)('the output of `$command` is that of a run', async ({ command, pages, output }) => {
  const fresh = (await output()).trim();
  for (const page of pages) {
    const shown = commandsOf(page).find(({ text }) => text === command)?.output ?? '';
    expect(shown).not.toBe('');
    if (WRITES && lasting(shown) !== lasting(fresh)) {
      writeFileSync(page, readFileSync(page, 'utf8').replace(shown, fresh));
    } else expect(lasting(shown), page).toBe(lasting(fresh));
  }
});

/** The parts of an output that are the same in every run, without times, fingerprints, ports, counts and folders. */
function lasting(output: string): string {
  return output
    .replace(/\b(?:[0-9A-F]{2}:){2}[0-9A-F]{2}\b/g, 'FINGERPRINT')
    .replace(/\S*ssl-cert-reloader-demo-\w+/g, 'FOLDER')
    .replace(/127\.0\.0\.1:\d+/g, 'LISTENER')
    .replace(/\b\d+ (ms|requests)\b/g, 'N $1')
    .replace(/ {2,}/g, '  ');
}
