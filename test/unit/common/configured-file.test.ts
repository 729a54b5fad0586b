import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { ConfiguredFile, FileError, readConfiguredFile } from '../../../src/common/configured-file';
import { testFolder } from '../../support/folders';

function errorOf(path: string): FileError {
  try {
    readConfiguredFile(path);
  } catch (error) {
    expect(error).toBeInstanceOf(FileError);
    return error as FileError;
  }
  throw new Error(`${path} was read`);
}

function writeSparse(path: string): void {
  writeFileSync(path, '');
  truncateSync(path, 1e12);
}

describe('a configured file', () => {
  it('is read as UTF-8', () => {
    const path = join(testFolder(), 'token');
    writeFileSync(path, 'pässword\n');
    expect(readConfiguredFile(path)).toBe('pässword\n');
  });

  test.for<[what: string, make: (path: string) => void, code: string]>([
    ['a pipe that nobody writes to', (path) => void execFileSync('mkfifo', [path]), 'ENOTFILE'],
    ['a link to an endless device', (path) => symlinkSync('/dev/zero', path), 'ENOTFILE'],
    ['a link to a terminal', (path) => symlinkSync('/dev/tty', path), 'E'],
    ['a folder', (path) => mkdirSync(path), 'EISDIR'],
    ['a link to itself', (path) => symlinkSync(path, path), 'ELOOP'],
    ['a file without an end', (path) => writeSparse(path), 'EFBIG'],
    ['a file of the kernel without an end', (path) => symlinkSync('/proc/kallsyms', path), 'EFBIG'],
    ['nothing', () => undefined, 'ENOENT'],
  ])('that is %s ends with a sentence that names it', ([, make, code]) => {
    const path = join(testFolder(), 'configured');
    make(path);
    const error = errorOf(path);
    expect(error.message).toContain(path);
    expect(error.code).toMatch(new RegExp(`^${code}`));
  });

  it('is read again when it has changed, whole or in place', () => {
    const folder = testFolder();
    const path = join(folder, 'token');
    writeFileSync(path, 'one');
    const file = new ConfiguredFile(path);
    expect(file.read()).toBe('one');
    writeFileSync(`${path}.new`, 'two');
    renameSync(`${path}.new`, path);
    expect(file.read()).toBe('two');
    writeFileSync(path, 'six');
    expect(file.read()).toBe('six');
  });

  it('is read again on demand, where its stamp says nothing', () => {
    const path = join(testFolder(), 'token');
    const then = new Date(Date.now() - 60_000);
    writeFileSync(path, 'one');
    utimesSync(path, then, then);
    const file = new ConfiguredFile(path);
    expect(file.read()).toBe('one');
    expect(file.read()).toBe('one');
    file.forget();
    writeFileSync(path, 'two');
    expect(file.read()).toBe('two');
  });

  it('that cannot be read any more is not replaced by what it held', () => {
    const path = join(testFolder(), 'token');
    writeFileSync(path, 'one');
    const file = new ConfiguredFile(path);
    expect(file.read()).toBe('one');
    renameSync(path, `${path}.old`);
    expect(() => file.read()).toThrow(FileError);
    renameSync(`${path}.old`, path);
    expect(file.read()).toBe('one');
  });

  test.skipIf(process.getuid?.() === 0)('without the right to read it says whose right is missing', () => {
    const path = join(testFolder(), 'token');
    writeFileSync(path, 'one');
    chmodSync(path, 0);
    expect(errorOf(path).message).toContain('permission denied');
  });
});
