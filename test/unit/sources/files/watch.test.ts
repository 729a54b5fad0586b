import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectorySource } from '../../../../src/sources';
import { linksOn } from '../../../../src/sources/files/mounts';
import { issue } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { testFolder, writePair } from '../../../support/folders';
import { Reader } from '../../../support/scans';

const first = issue();
const second = issue();

async function readerOf(folder: string): Promise<Reader> {
  const reader = new Reader(new DirectorySource(folder, true));
  await reader.settle();
  return reader;
}

/** Whether the folder or something in it was reported. */
const isTouched = (touched: ReadonlySet<string>, folder: string) =>
  [...touched].some((path) => path === folder || dirname(path) === folder);

function subfolder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

describe('a watch on a tree', () => {
  it('reports the folder in which something changed, and a scan of that folder finds what', async () => {
    const folder = testFolder();
    const sub = subfolder(folder, 'sub');
    writePair(folder, 'top', first);
    writePair(sub, 'www', first);
    const reader = await readerOf(folder);
    const touched = new Set<string>();
    const stop = reader.source.watch?.((what) => touched.add(what));
    await reader.settle();
    writePair(sub, 'www', second);
    await eventually('the watch reports it', () => isTouched(touched, sub));
    const { changed } = await reader.pass(touched);
    expect(changed).toEqual(['sub/www.crt']);
    expect(reader.texts('sub/www.crt')).toEqual({ cert: second.chain, key: second.key });
    stop?.();
  });

  it('reports that a link on the way to it leads elsewhere, as deployments swap it', async () => {
    const folder = testFolder();
    for (const [release, pair] of [['1', first] as const, ['2', second] as const])
      writePair(subfolder(folder, release, 'certs'), 'www', pair);
    symlinkSync('1', join(folder, 'stable'));
    symlinkSync('stable', join(folder, 'current'));
    const root = join(folder, 'current', 'certs');
    const source = new DirectorySource(root, true);
    const touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    const reader = new Reader(source);
    await reader.settle();
    for (const [release, pair] of [['2', second] as const, ['1', first] as const]) {
      touched.clear();
      symlinkSync(release, join(folder, 'new'));
      renameSync(join(folder, 'new'), join(folder, 'stable'));
      await eventually('the link is reported', () => touched.has(root));
      expect((await reader.pass(touched)).changed).toEqual(['www.crt']);
      expect(reader.texts('www.crt')).toEqual({ cert: pair.chain, key: pair.key });
    }
    stop();
  });

  it('watches a link once that leads to its own folder', () => {
    const folder = testFolder();
    symlinkSync('.', join(folder, 'self'));
    expect(linksOn(join(folder, 'self', 'self', 'certs'))).toEqual([join(folder, 'self')]);
  });

  it('reports a new folder and, from then on, what happens in it', async () => {
    const folder = testFolder();
    const source = new DirectorySource(folder, true);
    let touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    await source.scan();
    const sub = subfolder(folder, 'sub');
    await eventually('the new folder is reported', () => isTouched(touched, folder));
    await source.scan(touched);
    touched = new Set();
    writePair(sub, 'www', first);
    await eventually('the new pair is reported', () => isTouched(touched, sub));
    expect((await source.scan(touched)).changed).toEqual(['sub/www.crt']);
    stop();
  });

  it('reports the folder itself when it appears later', async () => {
    const folder = join(testFolder(), 'later');
    const source = new DirectorySource(folder, true, { isOptional: true });
    let touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    await source.scan();
    subfolder(folder);
    await eventually('the folder is reported', () => isTouched(touched, folder));
    await source.scan(touched);
    touched = new Set();
    writePair(folder, 'www', first);
    await eventually('the pair is reported', () => isTouched(touched, folder));
    expect((await source.scan(touched)).changed).toEqual(['www.crt']);
    stop();
  });

  it('reports again after the folder was deleted and made anew', async () => {
    const folder = subfolder(testFolder(), 'certs');
    const source = new DirectorySource(folder, true, { isOptional: true });
    let touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    await source.scan();
    rmSync(folder, { recursive: true });
    await eventually('the loss is reported', () => isTouched(touched, folder));
    await source.scan(touched);
    touched = new Set();
    subfolder(folder);
    await eventually('the folder is reported', () => isTouched(touched, folder));
    stop();
  });

  it('follows a link that leads to another folder by now', async () => {
    const folder = testFolder();
    const [one, two] = [subfolder(folder, 'v1'), subfolder(folder, 'v2')];
    const current = join(folder, 'current');
    symlinkSync(one, current);
    const source = new DirectorySource(current, true);
    let touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    await source.scan();
    rmSync(current);
    symlinkSync(two, current);
    await source.scan();
    touched = new Set();
    writePair(two, 'www', first);
    await eventually('the pair is reported', () => isTouched(touched, current));
    stop();
  });

  it('is silent once it is stopped', async () => {
    const folder = testFolder();
    const source = new DirectorySource(folder, true);
    const touched: string[] = [];
    const other: string[] = [];
    source.watch((what) => touched.push(what))();
    const stop = new DirectorySource(folder, true).watch((what) => other.push(what));
    await source.scan();
    writePair(folder, 'www', first);
    await eventually('another watch sees it', () => other.length > 0);
    expect(touched).toEqual([]);
    stop();
  });
});
