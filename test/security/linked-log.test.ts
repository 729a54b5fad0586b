import { chmodSync, chownSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { LineFile } from '../../src/common/line-file';
import { testFolder } from '../support/folders';

/** Another user may write to the folder of the log, and has a link there lead to a file of the user who writes it. */
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;

async function write(path: string): Promise<string[]> {
  const troubles: string[] = [];
  const file = new LineFile({
    path,
    onTrouble: ({ message }) => troubles.push(message),
    onRelief: () => undefined,
  });
  file.write('{"detail":"$(id)"}\n');
  await file.close();
  return troubles;
}

const HANDS: Readonly<Record<string, (folder: string) => void>> = {
  'that everybody may write to': (folder) => chmodSync(folder, 0o777),
  ...(isRoot ? { 'of another user': (folder) => chownSync(folder, NOBODY, NOBODY) } : {}),
};

describe.each(Object.entries(HANDS))('in a folder %s', (_name, open) => {
  it('a link is not followed', async () => {
    const folder = testFolder();
    const victim = join(testFolder(), 'victim');
    writeFileSync(victim, 'precious');
    symlinkSync(victim, join(folder, 'reloader.log'));
    open(folder);
    expect(await write(join(folder, 'reloader.log'))).toHaveLength(1);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
  });

  it('a link to a folder of ours further up is not followed, either', async () => {
    const folder = testFolder();
    const ours = testFolder();
    writeFileSync(join(ours, 'reloader.log'), 'precious');
    symlinkSync(ours, join(folder, 'logs'));
    open(folder);
    expect(await write(join(folder, 'logs', 'reloader.log'))).toHaveLength(1);
    expect(readFileSync(join(ours, 'reloader.log'), 'utf8')).toBe('precious');
  });

  it('a log of its own is written', async () => {
    const folder = testFolder();
    open(folder);
    expect(await write(join(folder, 'reloader.log'))).toEqual([]);
    expect(statSync(join(folder, 'reloader.log')).uid).toBe(statSync(folder).uid);
  });
});

test('a link in a folder of our own is followed, as that of /dev/stderr is', async () => {
  const folder = testFolder();
  writeFileSync(join(folder, 'elsewhere.log'), '');
  symlinkSync(join(folder, 'elsewhere.log'), join(folder, 'reloader.log'));
  expect(await write(join(folder, 'reloader.log'))).toEqual([]);
  expect(readFileSync(join(folder, 'elsewhere.log'), 'utf8')).toContain('detail');
});
