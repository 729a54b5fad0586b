import { execFileSync } from 'node:child_process';
import fs, { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { MAX_BUNDLE_BYTES } from '../../../../src/model';
import { testFolder, writePair } from '../../../support/folders';
import type { World } from './world';

/** A folder with `www.crt` and `www.key`, for both types that read files. */
function folderWorld(config: (folder: string) => object): World {
  const folder = join(testFolder(), 'certs');
  mkdirSync(folder);
  const cert = join(folder, 'www.crt');
  const key = join(folder, 'www.key');
  const opened = spyOnOpen(folder);
  const aside = `${folder}-aside`;
  const setAside = () => {
    renameSync(cert, aside);
  };
  return {
    config: config(folder),
    put: (pair) => writePair(folder, 'www', pair),
    putHalf: ({ chain }) => writeFileSync(cert, chain),
    putHuge: ({ chain, key: text }) => {
      writeFileSync(cert, chain + '\n'.repeat(MAX_BUNDLE_BYTES));
      writeFileSync(key, text);
    },
    remove: () => {
      rmSync(cert);
      rmSync(key);
    },
    forbid: () => {
      // Root may read whatever there is; nobody gets through a link to itself.
      setAside();
      symlinkSync(cert, cert);
    },
    hang: () => {
      // Opening a pipe that nobody writes to waits for ever.
      setAside();
      execFileSync('mkfifo', [cert]);
    },
    recover: () => {
      rmSync(cert);
      renameSync(aside, cert);
    },
    fetches: () => opened.splice(0).length,
    open: () => 0,
  };
}

export const fileWorld = (): World =>
  folderWorld((folder) => ({
    type: 'file',
    cert: join(folder, 'www.crt'),
    key: join(folder, 'www.key'),
  }));

export const directoryWorld = (): World => folderWorld((folder) => ({ type: 'directory', path: folder }));

/** Files below a folder that were opened. */
function spyOnOpen(folder: string): string[] {
  const opened: string[] = [];
  const { openSync } = fs;
  const spy = vi.spyOn(fs, 'openSync').mockImplementation((path, ...rest) => {
    if (String(path).startsWith(`${folder}/`)) opened.push(String(path));
    return openSync(path, ...rest);
  });
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
  });
  return opened;
}
