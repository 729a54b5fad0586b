import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issue } from '../support/bundles';
import { start } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { readerOf, troubles } from '../support/remote-source';
import { startStranger } from '../support/stranger';

const TOKEN = 's3cret-token-of-the-admin-api';

/** Of another user of the machine, on a port that is free while whom it belongs to is down. */
describe.skipIf(!existsSync('/proc/net/tcp') || process.geteuid?.() !== 0)(
  'a local user on a port of somebody else (needs root and Linux, to have another user)',
  () => {
    it("gets neither the token of Kong's Admin API nor a key, however long a daemon looks for Kong there", async () => {
      const stranger = await startStranger();
      const [prefix, certs] = [testFolder(), testFolder()];
      writePair(certs, 'www', issue());
      writeFileSync(join(prefix, '.kong_env'), `admin_listen = 127.0.0.1:${stranger.port}\n`);
      const file = join(testFolder(), 'reloader.yml');
      writeFileSync(file, `admin: {token: ${TOKEN}}\nsources: [{type: directory, path: ${certs}}]\n`);
      const daemon = start(['run', '-c', file, '-p', prefix]);
      await eventually('it says who answers', () =>
        /a process of user 65534 answers there, and only those of user 0 are trusted/.test(daemon.stderr),
      );
      expect(await stranger.heard()).toBe('');
      daemon.child.kill('SIGTERM');
      expect((await daemon.ended).stderr).not.toContain(TOKEN);
    });

    it.each([
      ['vault', { secret_path: 'certs/www', token: TOKEN }],
      ['vault', { secret_path: 'certs/' }],
      ['http', { token: TOKEN }],
      ['http', {}],
    ])('is no source of type %s: it is asked nothing, and its bundle not taken', async (type, fields) => {
      const stranger = await startStranger();
      const url = `http://127.0.0.1:${stranger.port}`;
      const scan = await readerOf({ type, url, ...fields }).pass();
      expect(troubles(scan)).toContain('a process of user 65534 answers there');
      expect(scan.changed).toEqual([]);
      expect(await stranger.heard()).toBe('');
      const allowed = readerOf({ type, url, allow_http: true, ...fields });
      await allowed.pass();
      expect(await stranger.heard()).toContain('GET /');
    });
  },
);
