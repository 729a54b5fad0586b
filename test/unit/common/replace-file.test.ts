import { spawnSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { replaceFile } from '../../../src/common/replace-file';
import { HomesFile } from '../../../src/pass';
import { testFolder } from '../../support/folders';

const ended = spawnSync(process.execPath, ['--version']).pid;
/** The process that runs the tests. */
const running = process.ppid;

/** A folder with the drafts of two processes, and a file of somebody else's. */
function withDrafts() {
  const folder = testFolder();
  const path = join(folder, 'file');
  for (const name of [`.file.ssl-cert-reloader-${ended}`, `.file.ssl-cert-reloader-${running}`, '.file.swp'])
    writeFileSync(join(folder, name), 'half a te');
  return { folder, path };
}

const kept = ['.file.ssl-cert-reloader-' + String(running), '.file.swp'];

it('removes the draft of a process that was killed when the file is written', () => {
  const { folder, path } = withDrafts();
  replaceFile(path, 'a text', null);
  expect(readdirSync(folder).sort()).toEqual([...kept, 'file']);
});

it('removes it at the next start, too', () => {
  const { folder, path } = withDrafts();
  new HomesFile(path).load();
  expect(readdirSync(folder).sort()).toEqual(kept);
});
