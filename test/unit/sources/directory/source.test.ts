import {
  chmodSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DirectorySource } from '../../../../src/sources';
import { isRefusal, MAX_BUNDLE_BYTES } from '../../../../src/model';
import { issue } from '../../../support/bundles';
import { testFolder, writePair } from '../../../support/folders';
import { Reader, textsOf } from '../../../support/scans';

const first = issue();
const second = issue();

async function readerOf(folder: string, isOptional = false): Promise<Reader> {
  const reader = new Reader(new DirectorySource(folder, true, { isOptional }));
  await reader.settle();
  return reader;
}

/** A folder with one pair in it, already read. */
async function withPair(): Promise<{ folder: string; reader: Reader; cert: string; key: string }> {
  const folder = testFolder();
  writePair(folder, 'www', first);
  const reader = await readerOf(folder);
  expect(reader.names).toEqual(['www.crt']);
  return { folder, reader, cert: join(folder, 'www.crt'), key: join(folder, 'www.key') };
}

describe('a pair in a folder', () => {
  it('is found and read, with the place where it stands', async () => {
    const { reader, cert, key } = await withPair();
    expect(reader.texts('www.crt')).toEqual(textsOf(cert, key));
    expect(reader.bundles.get('www.crt')).toMatchObject({ name: 'www.crt', location: cert });
  });

  it('is not read again while nothing happens', async () => {
    const { reader } = await withPair();
    for (let poll = 0; poll < 5; poll++) {
      expect(await reader.pass()).toEqual({ changed: [], removed: [], total: 1, strays: [], errors: [] });
    }
  });

  it('is read again when its files are written over', async () => {
    const { reader, cert, key } = await withPair();
    writeFileSync(cert, second.chain);
    writeFileSync(key, second.key);
    expect((await reader.pass()).changed).toEqual(['www.crt']);
    expect(reader.texts('www.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('is read again when other files are renamed over it, even of the same size and time', async () => {
    const { folder, reader, cert } = await withPair();
    const { mtime, size } = statSync(cert);
    const text = first.chain.replace(/A/, 'B');
    writeFileSync(join(folder, 'new'), text);
    utimesSync(join(folder, 'new'), mtime, mtime);
    renameSync(join(folder, 'new'), cert);
    expect(statSync(cert).size).toBe(size);
    expect((await reader.pass()).changed).toEqual(['www.crt']);
    expect(reader.texts('www.crt')).toEqual({ cert: text, key: first.key });
  });

  it('is read again when it is written in place and its time set back', async () => {
    const { reader, cert } = await withPair();
    const { atime, mtime } = statSync(cert);
    writeFileSync(cert, first.chain.replace(/A/, 'B'));
    utimesSync(cert, atime, mtime);
    expect((await reader.pass()).changed).toEqual(['www.crt']);
  });

  it('is checked again after a touch, and then left alone', async () => {
    const { reader, cert } = await withPair();
    utimesSync(cert, new Date(), new Date(Date.now() + 3_600_000));
    expect((await reader.pass()).changed).toEqual(['www.crt']);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: first.key });
  });

  it('is read again when only its key changed', async () => {
    const { reader, key } = await withPair();
    writeFileSync(key, second.key);
    expect((await reader.pass()).changed).toEqual(['www.crt']);
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: second.key });
  });

  it('is gone when its files are deleted, and back when they are back', async () => {
    const { folder, reader, cert, key } = await withPair();
    unlinkSync(cert);
    unlinkSync(key);
    const { removed, total } = await reader.pass();
    expect({ removed, total }).toEqual({ removed: ['www.crt'], total: 0 });
    writePair(folder, 'www', second);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('is read again when it was deleted and written anew between two scans', async () => {
    const { folder, reader, cert, key } = await withPair();
    unlinkSync(cert);
    unlinkSync(key);
    writePair(folder, 'www', second);
    expect((await reader.pass()).changed).toEqual(['www.crt']);
    expect(reader.texts('www.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('is complete once its key appears', async () => {
    const folder = testFolder();
    writeFileSync(join(folder, 'www.crt'), first.chain);
    const reader = await readerOf(folder);
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: '' });
    expect(reader.bundles.get('www.crt')).toMatchObject({ standalone: 'leaf' });
    writeFileSync(join(folder, 'www.key'), first.key);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: first.key });
  });

  it('is a standalone certificate once its key is gone', async () => {
    const { reader, key } = await withPair();
    unlinkSync(key);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: '' });
  });

  it('may be empty while it is being written', async () => {
    const { reader, cert } = await withPair();
    writeFileSync(cert, '');
    await reader.pass();
    expect(reader.texts('www.crt')).toEqual({ cert: '', key: first.key });
  });

  it('is not read when it is larger than 1 MiB, and is when it shrank again', async () => {
    const { reader, cert } = await withPair();
    writeFileSync(cert, '#'.repeat(MAX_BUNDLE_BYTES + 1));
    await reader.settle();
    expect(reader.texts('www.crt')).toBe('too_large');
    writeFileSync(cert, second.chain);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: second.chain, key: first.key });
  });

  it('keeps bytes that are no UTF-8 as they are', async () => {
    const { reader, cert } = await withPair();
    writeFileSync(cert, Buffer.concat([Buffer.from([0xff, 0xfe, 0x80]), Buffer.from(first.chain)]));
    await reader.pass();
    expect(reader.texts('www.crt')).toMatchObject({ cert: `\u00FF\u00FE\u0080${first.chain}` });
  });
});

describe('trouble with a file', () => {
  it('that is a dangling link is reported as missing, and over once it leads somewhere', async () => {
    const folder = testFolder();
    symlinkSync('nowhere.pem', join(folder, 'www.crt'));
    writeFileSync(join(folder, 'www.key'), first.key);
    const reader = await readerOf(folder);
    expect(reader.bundles.get('www.crt')).toMatchObject({
      reason: 'unreadable',
      message: expect.stringContaining('it is a link to nowhere.pem, which does not exist') as string,
    });
    writeFileSync(join(folder, 'nowhere.pem'), first.chain);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: first.key });
  });

  it.skipIf(process.getuid?.() === 0)(
    'that may not be read names the file (root may read everything)',
    async () => {
      const { reader, cert } = await withPair();
      chmodSync(cert, 0o000);
      await reader.settle();
      expect(reader.bundles.get('www.crt')).toMatchObject({
        reason: 'unreadable',
        message: expect.stringContaining(`${cert} cannot be read: permission denied`) as string,
      });
    },
  );

  it.skipIf(process.getuid?.() === 0)(
    'below a locked folder leaves the others alone (root has no locked folders)',
    async () => {
      const { folder, reader } = await withPair();
      mkdirSync(join(folder, 'locked'));
      writePair(join(folder, 'locked'), 'secret', first);
      symlinkSync('locked/secret.crt', join(folder, 'link.crt'));
      symlinkSync('locked/secret.key', join(folder, 'link.key'));
      chmodSync(join(folder, 'locked'), 0o000);
      const { total } = await reader.pass();
      chmodSync(join(folder, 'locked'), 0o700);
      expect(total).toBe(2);
      expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: first.key });
    },
  );

  it('that links to itself costs only its own pair: the others are still found', async () => {
    const folder = testFolder();
    writePair(folder, 'www', first);
    symlinkSync('loop.crt', join(folder, 'loop.crt'));
    symlinkSync('loop.key', join(folder, 'loop.key'));
    const reader = await readerOf(folder);
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: first.key });
    expect(reader.texts('loop.crt')).toBe('unreadable');
  });

  it('that begins to link to itself costs only its own pair', async () => {
    const { folder, reader, cert } = await withPair();
    writePair(folder, 'api', second);
    await reader.settle();
    unlinkSync(cert);
    symlinkSync('www.crt', cert);
    await reader.pass();
    expect(reader.texts('www.crt')).toBe('unreadable');
    expect(reader.texts('api.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('that is a socket costs only its own pair', async () => {
    const { folder, reader } = await withPair();
    const server = createServer().listen(join(folder, 'admin.pem'));
    await new Promise((resolve) => server.once('listening', resolve));
    await reader.settle();
    server.close();
    expect(reader.texts('www.crt')).toEqual({ cert: first.chain, key: first.key });
    const found = await reader.source.read('admin.pem');
    expect(found === null || isRefusal(found)).toBe(true);
  });

  it('that is asked for by an unknown name does not exist', async () => {
    const { reader } = await withPair();
    expect(await reader.source.read('unknown.crt')).toBeNull();
    expect(await reader.source.read('../www.crt')).toBeNull();
  });

  it('that went away between scan and read is a refusal and no exception', async () => {
    const { reader, cert } = await withPair();
    rmSync(cert);
    expect(await reader.source.read('www.crt')).toMatchObject({ reason: 'unreadable' });
  });
});
