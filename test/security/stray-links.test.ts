import { chmodSync, lchownSync, chownSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectorySource } from '../../src/sources';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { Reader } from '../support/scans';
import { troubles } from '../support/remote-source';

/** A user with write access to a source's folder who is neither root nor the user of this process. */
const STRANGER = 54_321;
const isRoot = process.getuid?.() === 0;

/** A folder that everybody may write to. */
function sharedFolder(): string {
  const folder = testFolder();
  chmodSync(folder, 0o777);
  return folder;
}

describe.skipIf(!isRoot)(
  'a link that somebody else made in a folder [needs root, to have somebody else]',
  () => {
    it('is not followed to a folder outside, and said', async () => {
      const outside = testFolder();
      writePair(outside, 'secret', issue());
      const folder = sharedFolder();
      writePair(folder, 'www', issue());
      for (const target of [outside, '/']) {
        const link = join(folder, `to${target.replaceAll('/', '-')}`);
        symlinkSync(target, link);
        lchownSync(link, STRANGER, STRANGER);
      }
      const reader = new Reader(new DirectorySource(folder, true));
      const scan = await reader.pass();
      expect(reader.names).toEqual(['www.crt']);
      const said = (scan.strays ?? []).map(({ message }) => message).join('\n');
      expect(said).toContain(`leads out of ${folder} and was made by user ${STRANGER}`);
    });

    it('is not followed to files outside: what this process alone may read is not taken for theirs', async () => {
      const outside = testFolder();
      writePair(outside, 'secret', issue());
      const folder = sharedFolder();
      for (const name of ['secret.crt', 'secret.key']) {
        symlinkSync(join(outside, name), join(folder, name));
        lchownSync(join(folder, name), STRANGER, STRANGER);
      }
      const reader = new Reader(new DirectorySource(folder, true));
      const { total } = await reader.pass();
      expect(total).toBe(0);
    });

    it('is followed within the folder, as certbot makes them', async () => {
      const folder = sharedFolder();
      const archive = join(folder, 'archive');
      mkdirSync(archive);
      writePair(archive, 'www', issue());
      const live = join(folder, 'live');
      symlinkSync(archive, live);
      lchownSync(live, STRANGER, STRANGER);
      chownSync(archive, STRANGER, STRANGER);
      const reader = new Reader(new DirectorySource(folder, true));
      const { strays, total } = await reader.pass();
      expect([strays, total]).toEqual([[], 1]);
    });
  },
);

it('a link to more folders than any source has ends the search, and is said', async () => {
  const outside = testFolder();
  for (let at = 0; at < 60; at++) mkdirSync(join(outside, `a${at}`, 'b'), { recursive: true });
  const folder = testFolder();
  writePair(folder, 'www', issue());
  symlinkSync(outside, join(folder, 'everything'));
  const reader = new Reader(new DirectorySource(folder, true, { maxFolders: 50 }));
  const scan = await reader.pass();
  expect(troubles(scan)).toContain('too_large: ');
  expect(troubles(scan)).toContain('has more than 50 folders below it');
  // Known files are still scanned.
  expect(reader.names).toContain('www.crt');
});

it('links that lead in circles end the search as well', async () => {
  const folder = testFolder();
  writePair(folder, 'www', issue());
  for (const name of ['a', 'b']) {
    mkdirSync(join(folder, name));
    symlinkSync(folder, join(folder, name, 'up'));
    symlinkSync(name, join(folder, name, 'self'));
  }
  const scan = await new Reader(new DirectorySource(folder, true)).pass();
  expect(scan.total).toBe(1);
});
