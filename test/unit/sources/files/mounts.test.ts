import { spawnSync } from 'node:child_process';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import type { Source } from '../../../../src/model';
import { DirectorySource, FileSource } from '../../../../src/sources';
import { issue } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { testFolder } from '../../../support/folders';

/** Mounts as a container's files are mounted. @returns whether this process may mount */
function bind(from: string, to: string): boolean {
  if (spawnSync('mount', ['--bind', from, to]).status !== 0) return false;
  onTestFinished(() => {
    spawnSync('umount', [to]);
  });
  return true;
}

const pair = issue();
const troublesOf = async (source: Source) => (await source.scan()).errors.map(({ message }) => message);

it('a file that is mounted by itself and replaced where it comes from is said, and goes on until then', async (test) => {
  const [host, mounted] = [join(testFolder(), 'host'), join(testFolder(), 'certs')];
  for (const folder of [host, mounted]) mkdirSync(folder);
  const [from, to] = [join(host, 'www.pem'), join(mounted, 'www.pem')];
  writeFileSync(from, pair.chain + pair.key, { mode: 0o600 });
  writeFileSync(to, '');
  if (!bind(from, to)) test.skip('mounting needs root');
  for (const source of [new DirectorySource(mounted, true), new FileSource(to, null, true)])
    expect(await troublesOf(source)).toEqual([]);
  writeFileSync(`${from}.new`, issue().chain);
  renameSync(`${from}.new`, from);
  for (const source of [new DirectorySource(mounted, true), new FileSource(to, null, true)]) {
    await eventually('the mount is seen', async () => {
      const [trouble = '', ...more] = await troublesOf(source);
      expect(trouble).toContain(`${to} was replaced where it is mounted from`);
      expect(more).toEqual([]);
      return true;
    });
    expect((await source.scan()).total).toBe(1);
  }
});
