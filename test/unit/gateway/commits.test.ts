import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { commitsOf } from '../../../src/gateway/node/commits';
import { writeCommits } from '../../gateway/prefix';
import { testFolder } from '../../support/folders';

it.for([1, 2, 3, 70_000])('the newer of the two meta pages tells of %i commits', (times) => {
  const prefix = testFolder();
  writeCommits(prefix, times);
  expect(commitsOf(prefix)).toBe(times);
  expect(commitsOf('/elsewhere', join(prefix, 'dbless.lmdb'))).toBe(times);
});

it.for([
  ['nothing', null],
  ['an empty file', Buffer.alloc(0)],
  ['something else', Buffer.alloc(9_000, 'x')],
  ['a file that is cut', Buffer.alloc(4_096)],
] as const)('%s tells nothing', ([, bytes]) => {
  const prefix = testFolder();
  mkdirSync(join(prefix, 'dbless.lmdb'));
  if (bytes !== null) writeFileSync(join(prefix, 'dbless.lmdb', 'data.mdb'), bytes);
  expect(commitsOf(prefix)).toBeNull();
});
