import { execFileSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { testFolder } from '../support/folders';
import { findTools } from './tools';

/** Runs `prepare` and returns its one line; it throws where that does not end with 0. */
const prepare = () => execFileSync('bash', [join(__dirname, 'prepare')], { encoding: 'utf8' });

describe('prepare', () => {
  let folder = '';
  /** Puts a command before those of this machine. */
  function command(name: string, script: string): void {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }

  beforeEach(() => {
    folder = testFolder();
    vi.stubEnv('XDG_CACHE_HOME', join(folder, 'cache'));
    vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
    command('etcd', 'exit 1');
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  it('builds once, and findTools finds what it built', () => {
    // The last argument but one of `go build … -o FILE .`
    command('go', 'while [ "$1" != -o ]; do shift; done; echo >"$2"; chmod +x "$2"');
    expect(prepare()).toMatch(
      /^test\/kubernetes: etcd and kube-apiserver v[\d.]+ are there \(built in \d+ s\)\n$/,
    );
    expect(findTools()).toEqual({
      etcd: join(folder, 'etcd'),
      apiserver: expect.stringMatching(`^${folder}/cache/ssl-cert-reloader/kube-apiserver-v`) as string,
    });
    command('go', 'exit 1');
    expect(prepare()).toMatch(/are there\n$/);
  });

  it('succeeds where the build fails, and findTools says why it did', () => {
    command('go', 'echo "go: downloading something" >&2; echo "# a package" >&2; echo "no room" >&2; exit 1');
    expect(findTools()).toEqual({ missing: 'kube-apiserver is not built yet: bash test/kubernetes/prepare' });
    const reason = 'kube-apiserver could not be built: no room';
    expect(prepare()).toBe(`test/kubernetes: its tests are skipped: ${reason}\n`);
    expect(findTools()).toEqual({ missing: reason });
  });

  it('succeeds where nothing can be kept', () => {
    writeFileSync(join(folder, 'cache'), 'a file and not a folder');
    expect(prepare()).toContain('its tests are skipped: nothing can be kept in');
  });
});
