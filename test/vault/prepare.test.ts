import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/folders';

/** Runs `prepare`; it throws where that does not end with 0. */
const prepare = (...args: string[]) =>
  execFileSync('bash', [join(__dirname, 'prepare'), ...args], { encoding: 'utf8' });

describe('prepare', () => {
  let folder = '';
  const go = (script: string) => {
    writeFileSync(join(folder, 'go'), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, 'go'), 0o755);
  };

  beforeEach(() => {
    folder = testFolder();
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  it('builds once and finds what it built', () => {
    go('while [ "$1" != -o ]; do shift; done; echo >"$2"; chmod +x "$2"');
    expect(prepare('--find')).toBe('missing Vault is not built yet: bash test/vault/prepare\n');
    expect(prepare()).toMatch(/^test\/vault: Vault v[\d.]+ is there \(built in \d+ s\)\n$/);
    expect(prepare('--find')).toMatch(new RegExp(`^server ${folder}/cache/ssl-cert-reloader/vault-v`));
    go('exit 1');
    expect(prepare()).toMatch(/is there\n$/);
  });

  it('succeeds where the build fails, and says why it did', () => {
    go('echo "go: downloading something" >&2; echo "# a package" >&2; echo "no room" >&2; exit 1');
    expect(prepare()).toBe('test/vault: its tests are skipped: Vault could not be built: no room\n');
    expect(prepare('--find')).toBe('missing Vault could not be built: no room\n');
  });

  it('succeeds where nothing can be kept', () => {
    writeFileSync(join(folder, 'cache'), 'a file and not a folder');
    expect(prepare()).toContain('its tests are skipped: nothing can be kept in');
  });
});
