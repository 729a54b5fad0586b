import { mkdirSync } from 'node:fs';
import type * as fs from 'node:fs';
import { basename, join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { DirectorySource } from '../../../../src/sources';
import { issue } from '../../../support/bundles';
import { testFolder, writePair } from '../../../support/folders';
import { Reader } from '../../../support/scans';

/** Inodes of Lustre, some NFS servers and overlayfs, which are equal as JavaScript numbers. */
const INODES = new Map([
  ['first', 2n ** 53n],
  ['second', 2n ** 53n + 1n],
]);

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>();
  const statSync = (path: string, options?: { bigint?: boolean }) => {
    const stat = real.statSync(path, options as fs.StatSyncOptions);
    const inode = INODES.get(basename(path));
    if (stat !== undefined && inode !== undefined)
      Object.assign(stat, { ino: options?.bigint === true ? inode : Number(inode) });
    return stat;
  };
  return { ...real, statSync };
});

it('folders whose inode numbers differ only above 2^53 are two folders', async () => {
  const root = testFolder();
  for (const name of INODES.keys()) {
    mkdirSync(join(root, name));
    writePair(join(root, name), name, issue({ names: [`${name}.test`] }));
  }
  const reader = new Reader(new DirectorySource(root, true));
  await reader.settle();
  expect(reader.names).toEqual(['first/first.crt', 'second/second.crt']);
});
