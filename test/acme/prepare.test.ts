import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/folders';
import { findTools } from './tools';

it('prepare succeeds where there is nothing to install from, and findTools says why', () => {
  const bash = execFileSync('bash', ['-c', 'command -v bash'], { encoding: 'utf8' }).trim();
  const folder = testFolder();
  execFileSync('ln', ['-s', bash, join(folder, 'bash')]);
  vi.stubEnv('PATH', folder);
  onTestFinished(() => void vi.unstubAllEnvs());
  const reason = 'there is no pebble: bash test/acme/prepare';
  const output = execFileSync('bash', [join(__dirname, 'prepare')], { encoding: 'utf8' });
  expect(output).toBe(`test/acme: its tests are skipped: ${reason}\n`);
  expect(findTools()).toEqual({ missing: reason });
});
