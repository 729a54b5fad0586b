import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { completeConfig } from '../../../../src/app/config';
import { Authority } from '../../../../src/authority/authority';
import { openAny } from '../../../../src/certificates';
import { isRefusal, type Source } from '../../../../src/model';
import { createSources, FileSource } from '../../../../src/sources';
import { unreadable } from '../../../../src/sources/files/trouble';
import { issue } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { testFolder, writePair } from '../../../support/folders';
import { Reader } from '../../../support/scans';

const first = issue();
const second = issue();

describe('a source of one pair of files', () => {
  it('reads it, and reads it again when it changes', async () => {
    const folder = testFolder();
    writePair(folder, 'www', first);
    const cert = join(folder, 'www.crt');
    const reader = new Reader(new FileSource(cert, join(folder, 'www.key'), true));
    await reader.settle();
    expect(reader.texts(cert)).toEqual({ cert: first.chain, key: first.key });
    expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, errors: [] });
    writePair(folder, 'www', second);
    expect((await reader.pass()).changed).toEqual([cert]);
    expect(reader.texts(cert)).toEqual({ cert: second.chain, key: second.key });
  });

  it('completes the leaf from the file that is named for the chain, and sees that one change', async () => {
    const folder = testFolder();
    const root = Authority.root();
    const [inner, other] = [root.intermediate('Inner'), root.intermediate('Other')];
    const { cert: leaf, key } = inner.issue({ names: ['www.example.test'] });
    writePair(folder, 'www', { chain: leaf, key });
    mkdirSync(join(folder, 'authority'));
    const chain = join(folder, 'authority', 'chain.pem');
    const cert = join(folder, 'www.crt');
    const config = { type: 'file', cert, key: join(folder, 'www.key'), chain };
    const { sources } = createSources(completeConfig({ sources: [config] }));
    const reader = new Reader(sources[0] as Source);
    const length = async () => {
      const raw = reader.bundles.get(cert);
      const opened = raw === undefined || isRefusal(raw) ? null : await openAny(raw);
      return opened === null || isRefusal(opened) ? 0 : opened.bundle.chainLength;
    };
    await reader.settle();
    expect(await length()).not.toBe(2);
    writeFileSync(chain, other.cert);
    await reader.settle();
    expect(await length()).toBe(1);
    writeFileSync(chain, other.cert + inner.cert);
    expect((await reader.pass()).changed).toEqual([cert]);
    expect(await length()).toBe(2);
  });

  it('reads one file that holds both', async () => {
    const file = join(testFolder(), 'www.pem');
    writeFileSync(file, first.chain + first.key);
    const reader = new Reader(new FileSource(file, null, true));
    await reader.settle();
    expect(reader.texts(file)).toEqual({ cert: first.chain + first.key, key: '' });
  });

  test.for([
    ['a file that is not there', 'missing.crt', 'it does not exist (yet)'],
    ['a folder', 'folder', 'it is a folder; name a file, or use a source of type directory'],
    ['a file below a file', 'file/below.crt', 'a part of the path is not a folder'],
    ['a link to itself', 'loop.crt', 'too many symbolic links'],
  ])('says what is wrong with %s', async ([, name = '', words]) => {
    const folder = testFolder();
    mkdirSync(join(folder, 'folder'));
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('loop.crt', join(folder, 'loop.crt'));
    const path = join(folder, name);
    const reader = new Reader(new FileSource(path, null, true));
    await reader.settle();
    expect(reader.bundles.get(path)).toEqual({
      reason: 'unreadable',
      message: `${path} cannot be read: ${words ?? ''}`,
    });
  });

  it('names the key where that is what is missing', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'www.crt'), first.chain);
    const source = new FileSource(join(folder, 'www.crt'), join(folder, 'www.key'), true);
    const key = join(folder, 'www.key');
    expect(source.read()).toEqual({
      reason: 'unreadable',
      message: `${key} cannot be read: it does not exist (yet)`,
    });
    writeFileSync(key, first.key);
    expect((await source.scan()).changed).toHaveLength(1);
    expect(source.read()).toMatchObject({ cert: first.chain, key: first.key });
  });

  it('watches the folders of both files', async () => {
    const certs = testFolder();
    const keys = testFolder();
    writeFileSync(join(certs, 'www.crt'), first.chain);
    writeFileSync(join(keys, 'www.key'), first.key);
    const source = new FileSource(join(certs, 'www.crt'), join(keys, 'www.key'), true);
    const touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    writeFileSync(join(keys, 'new'), second.key);
    renameSync(join(keys, 'new'), join(keys, 'www.key'));
    await eventually('the key is reported', () => touched.has(join(keys, 'www.key')));
    rmSync(join(certs, 'www.crt'));
    await eventually('the certificate is reported', () => touched.has(join(certs, 'www.crt')));
    stop();
  });

  it('watches a folder that appears later, once it was looked at', async () => {
    const folder = join(testFolder(), 'later');
    const cert = join(folder, 'www.crt');
    const source = new FileSource(cert, join(folder, 'www.key'), true);
    let touched = new Set<string>();
    const stop = source.watch((what) => touched.add(what));
    await source.scan();
    mkdirSync(folder);
    await eventually('the folder is reported', () => touched.size > 0);
    await source.scan();
    touched = new Set();
    writePair(folder, 'www', first);
    await eventually('the certificate is reported', () => touched.has(cert));
    stop();
  });

  it('has an id that a restart does not change', () => {
    expect(new FileSource('/etc/kong/../kong/www.crt', null, true).id).toBe('file:/etc/kong/www.crt');
  });
});

describe('the sentence for a file that cannot be read', () => {
  test.for([
    ['EACCES', 'permission denied; the user that Kong runs as must be able to read it'],
    ['EISDIR', 'it is a folder'],
    ['EIO', 'the disk or the server of the file system fails'],
    ['EXDEV', 'EXDEV'],
  ])('says what %s means', ([code, words = '']) => {
    const error = Object.assign(new Error('internal'), { code, path: '/certs/www.crt' });
    const { reason, message } = unreadable(error, '/elsewhere');
    expect(reason).toBe('unreadable');
    expect(message).toContain(`/certs/www.crt cannot be read: ${words}`);
  });

  it('does without a code and a path', () => {
    expect(unreadable(new Error('x'), '/certs').message).toBe('/certs cannot be read: unknown error');
  });
});
