import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXECUTABLE } from '../support/cli';
import { startPebble, type Pebble } from './pebble';
import { findTools } from './tools';

const tools = findTools();
const missing =
  'missing' in tools ? tools.missing : process.getuid?.() === 0 ? '' : 'needs root, who gives files to Kong';
const HOST = 'www.example.test';
const PATIENCE_MS = 240_000;
/** Stands for `kong` here. */
const [USER, GROUP] = ['nobody', 'nogroup'];

/** The shell blocks of a recipe. */
function blocks(heading: string): string[] {
  const text = readFileSync('docs/permissions.md', 'utf8').split(`\n## ${heading}\n`)[1] ?? '';
  return [...(text.split('\n## ')[0] ?? '').matchAll(/^```sh\n([^]*?)^```/gm)].map(([, block = '']) => block);
}

describe.skipIf(missing !== '')(`what docs/permissions.md says (skipped: ${missing})`, () => {
  let folder = '';
  let ca: Pebble | null = null;
  const certs = () => join(folder, 'kong', 'certs');
  const here = () => ca?.configFolder ?? '';

  /** Runs a recipe on the folders of this test; accounts are the machine's. */
  function follow(recipe: string): void {
    const script = recipe
      .replaceAll('/etc/letsencrypt', here())
      .replaceAll('/etc/kong/certs', certs())
      .replaceAll('-o kong -g kong', `-o ${USER} -g ${GROUP}`)
      .replaceAll('chgrp certs', `chgrp ${GROUP}`)
      .replace(/^(groupadd|usermod) .*$/gm, '');
    execFileSync('/bin/sh', ['-euc', script]);
  }

  /** The part of a pair that Kong's user can read. */
  const inspect = (cert: string, key: string) =>
    execFileSync(
      'setpriv',
      ['--reuid', USER, '--regid', GROUP, '--clear-groups', EXECUTABLE, 'inspect', cert, key],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );

  const renew = () => ca?.certbot('renew', '--force-renewal', '--cert-name', HOST);

  beforeAll(async () => {
    if ('missing' in tools) return;
    folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-permissions-'));
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, 'kong'));
    ca = await startPebble(tools, folder);
    await ca.certbot('certonly', '--standalone', '-m', 'nobody@example.test', '-d', HOST);
  }, PATIENCE_MS);
  afterAll(async () => {
    await ca?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  const live = (file: string) => join(here(), 'live', HOST, file);

  it('certbot keeps its files to root', () => {
    expect(() => inspect(live('fullchain.pem'), live('privkey.pem'))).toThrow('EACCES');
  });

  it(
    'a deploy hook hands every renewal over to Kong’s user',
    async () => {
      const [hook = '', first = ''] = blocks('certbot, with a deploy hook');
      const path = join(here(), 'renewal-hooks', 'deploy', 'kong');
      writeFileSync(
        path,
        hook.replaceAll('/etc/kong/certs', certs()).replaceAll('-o kong -g kong', `-o ${USER} -g ${GROUP}`),
        { mode: 0o755 },
      );
      follow(first);
      const pair = [join(certs(), `${HOST}.crt`), join(certs(), `${HOST}.key`)] as const;
      const before = readFileSync(pair[0], 'utf8');
      expect(inspect(...pair)).toContain(HOST);
      await renew();
      expect(inspect(...pair)).toContain(HOST);
      expect(readFileSync(pair[0], 'utf8')).not.toBe(before);
      rmSync(path);
    },
    PATIENCE_MS,
  );

  it(
    'a group sees every renewal',
    async () => {
      for (const block of blocks('certbot, with a group')) follow(block);
      expect(inspect(live('fullchain.pem'), live('privkey.pem'))).toContain(HOST);
      await renew();
      expect(inspect(live('fullchain.pem'), live('privkey.pem'))).toContain(HOST);
      expect(statSync(live('privkey.pem')).mode & 0o777).toBe(0o640);
    },
    PATIENCE_MS,
  );
});
