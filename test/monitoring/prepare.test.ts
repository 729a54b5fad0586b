import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/folders';

/** Runs `prepare` for one program and returns its one line; it throws where that does not end with 0. */
const prepare = () => execFileSync('bash', [join(__dirname, 'prepare'), 'a-program'], { encoding: 'utf8' });

describe('prepare', () => {
  let folder = '';
  /** Puts a command before those of this machine. */
  function command(name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const asked = () => readFileSync(join(folder, 'asked'), 'utf8');

  beforeEach(() => {
    folder = testFolder();
    vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    command('id', 'echo 0');
  });

  it('asks nobody for what is there', () => {
    command('a-program', 'exit 0');
    command('apt-get', 'exit 1');
    expect(prepare()).toBe('test/monitoring: a-program are there\n');
  });

  it('installs what is missing, without what is only recommended and without starting a service', () => {
    command(
      'apt-get',
      `echo "$RUNLEVEL $*" >>${folder}/asked; printf '#!/bin/sh\\n' >${folder}/a-program; chmod +x ${folder}/a-program`,
    );
    expect(prepare()).toMatch(/^test\/monitoring: a-program are there \(installed a-program in \d+ s\)\n$/);
    expect(asked()).toMatch(/^1 .*install -y --no-install-recommends/);
  });

  it('looks for newer lists where a package is not found, and succeeds where that does not help', () => {
    command('apt-get', `echo "$*" >>${folder}/asked; echo "E: Unable to locate package" >&2; exit 100`);
    expect(prepare()).toBe(
      'test/monitoring: tests are skipped: a-program could not be installed: E: Unable to locate package\n',
    );
    expect(asked().match(/update$/gm)).toHaveLength(1);
  });

  it('succeeds where it may not install anything', () => {
    command('id', 'echo 1000');
    expect(prepare()).toBe(
      'test/monitoring: tests are skipped: a-program can only be installed by root, with apt-get\n',
    );
  });
});
