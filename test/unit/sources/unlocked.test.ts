import { createPrivateKey } from 'node:crypto';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { openAny } from '../../../src/certificates';
import { createSources } from '../../../src/sources';
import { completeConfig } from '../../../src/app/config';
import { isRefusal, type Source } from '../../../src/model';
import { UnlockedSource } from '../../../src/sources/unlocked';
import { issue } from '../../support/bundles';
import { testFolder, writePair } from '../../support/folders';

const issued = issue();

/** The source of a configuration with one. */
function sourceOf(fields: Record<string, unknown>): Source {
  const { sources } = createSources(completeConfig({ sources: [fields] }), () => false);
  return sources[0] as Source;
}

function written(): { folder: string; cert: string; file: string } {
  const folder = testFolder();
  writePair(folder, 'www', issued);
  const file = join(folder, 'password');
  writeFileSync(file, 'first\n');
  return { folder, cert: join(folder, 'www.crt'), file };
}

async function readAll(source: Source) {
  const { changed } = await source.scan();
  return Promise.all(changed.map(async (name) => source.read(name)));
}

describe('a source with a password', () => {
  test.for([
    ['in the configuration', () => ({ password: 'first' })],
    ['in a file', (file: string) => ({ password: 'never', password_file: file })],
  ] as const)('%s gives it and the alias to its bundles', async ([, fields]) => {
    const { folder, file, cert } = written();
    for (const type of [
      { type: 'file', cert },
      { type: 'directory', path: folder },
    ]) {
      const source = sourceOf({ ...type, ...fields(file), alias: 'site' });
      expect(await readAll(source)).toMatchObject([{ cert: issued.chain, password: 'first', alias: 'site' }]);
    }
  });

  it('reads everything again when the file of the password changes', async () => {
    const { folder, file } = written();
    const source = sourceOf({ type: 'directory', path: folder, password_file: file });
    await readAll(source);
    writeFileSync(file, 'the second one');
    expect(await readAll(source)).toMatchObject([{ password: 'the second one' }]);
  });

  test.for([
    ['a folder', (path: string) => mkdirSync(path), 'it is a folder'],
    ['far too large', (path: string) => writeFileSync(path, 'x'.repeat(1_048_577)), 'larger than 1 MiB'],
  ] as const)('takes a file that is %s for none', async ([, make, words]) => {
    const { folder } = written();
    const file = join(folder, 'other');
    make(file);
    const source = sourceOf({ type: 'directory', path: folder, password_file: file });
    const { errors, changed } = await source.scan();
    expect(errors).toMatchObject([{ message: expect.stringContaining(words) as string }]);
    expect(await source.read(changed[0] ?? '')).not.toHaveProperty('password');
  });

  it('takes one of the same length that is written right after the other, too', async () => {
    const { folder, file } = written();
    const source = sourceOf({ type: 'directory', path: folder, password_file: file });
    // The clock of the file system decides whether two writes have different times.
    for (const password of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']) {
      writeFileSync(file, password);
      await source.scan();
      expect(await source.read('www.crt')).toMatchObject({ password });
    }
  });

  it('takes characters beyond ASCII as they are meant', async () => {
    const { folder, file } = written();
    writeFileSync(file, 'pässword €');
    const source = sourceOf({ type: 'directory', path: folder, password_file: file });
    expect(await readAll(source)).toMatchObject([{ password: 'pässword €' }]);
  });

  it('goes on without it while the file is away, and says so', async () => {
    const { folder, file } = written();
    rmSync(file);
    const source = sourceOf({ type: 'directory', path: folder, password_file: file });
    const { errors, changed } = await source.scan();
    expect(errors.map(({ message }) => message)).toEqual([`${file} cannot be read: it does not exist (yet)`]);
    expect(await source.read(changed[0] ?? '')).not.toHaveProperty('password');
    writeFileSync(file, 'first');
    expect((await source.scan()).errors).toEqual([]);
    expect(await source.read(changed[0] ?? '')).toMatchObject({ password: 'first' });
  });

  it('does not take a vault reference for a password', async () => {
    const { folder } = written();
    const source = sourceOf({ type: 'directory', path: folder, password: '{vault://env/p12-password}' });
    const { errors, changed } = await source.scan();
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/vault reference.*use password_file/) as string },
    ]);
    expect(await source.read(changed[0] ?? '')).not.toHaveProperty('password');
  });

  it('is what the source is in everything else', async () => {
    const inner = {
      ...{ id: 'x', create: false, snis: ['www.example.test'], closed: 0 },
      scan: () => Promise.resolve({ changed: [], removed: [], total: 0, errors: [] }),
      read: () => null,
      close: () => {
        inner.closed += 1;
      },
    };
    const source = new UnlockedSource(inner, { passwords: null, alias: 'x' });
    expect(source).toMatchObject({ id: 'x', create: false, snis: ['www.example.test'] });
    inner.create = true;
    expect(source.create).toBe(true);
    expect(source.watch).toBeUndefined();
    expect(await source.read('x')).toBeNull();
    source.close();
    expect(inner.closed).toBe(1);
  });

  it('hands on what the source itself says', async () => {
    const { folder, cert } = written();
    const source = sourceOf({ type: 'file', cert, key: join(folder, 'none.key'), password: 'x' });
    expect(source.id).toBe(`file:${cert}`);
    const reading = await source.read(cert);
    expect(reading !== null && isRefusal(reading)).toBe(true);
    const stop = source.watch?.(() => undefined);
    expect(stop).toBeTypeOf('function');
    stop?.();
  });
});

describe('a key file that everybody can read', () => {
  it.each([
    ['a key file', 'www.key', true],
    ['a file with certificate and key', 'both.pem', true],
    ['a certificate', 'lone.crt', false],
    ['a key file under a password', 'locked.key', false],
  ])('%s', async (_, open, isTold) => {
    const folder = testFolder();
    const write = (name: string, text: string) =>
      writeFileSync(join(folder, name), text, { mode: name === open ? 0o644 : 0o640 });
    writePair(folder, 'www', issued);
    write('both.pem', issued.chain + issued.key);
    write('lone.crt', issued.chain);
    write('locked.crt', issued.chain);
    write('locked.key', issued.key.replaceAll('PRIVATE KEY', 'ENCRYPTED PRIVATE KEY'));
    chmodSync(join(folder, open), 0o644);
    const source = sourceOf({ type: 'directory', path: folder, alias: 'x' });
    await readAll(source);
    const expected = `${join(folder, open)} holds a private key and can be read by everyone (mode o+r): mode 0640 with the group of Kong's user is enough`;
    expect(source.warnings?.()).toEqual(isTold ? [expected] : []);
    expect(source.warnings?.()).toEqual([]);
    writeFileSync(join(folder, open), `${issued.chain}${issued.key}\n`);
    await readAll(source);
    if (isTold) expect(source.warnings?.()).toEqual([]);
  });

  it('is told of together with the others of its folder', async () => {
    const folder = testFolder();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      writePair(folder, name, issued);
      chmodSync(join(folder, `${name}.key`), 0o604);
    }
    const source = sourceOf({ type: 'directory', path: folder });
    await readAll(source);
    const [warning, ...more] = source.warnings?.() ?? [];
    expect(more).toEqual([]);
    expect(warning).toMatch(
      /\.key, .*\.key, .*\.key and 2 more hold private keys and can be read by everyone/,
    );
  });
});

describe('encrypted keys whose names do not tell whose they are', () => {
  const names = ['a.example.test', 'b.example.test'];
  const sites = names.map((name) => issue({ names: [name] }));
  const locked = (pem: string, passphrase: string) =>
    createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase });

  /** Two certificates and their keys, by names that say nothing. */
  function anonymous(): { folder: string; file: string } {
    const folder = testFolder();
    for (const [index, { chain, key }] of sites.entries()) {
      writeFileSync(join(folder, `site-${index}.pem`), chain);
      writeFileSync(join(folder, `secret-${1 - index}.key`), locked(key, 'first'), { mode: 0o600 });
    }
    const file = join(testFolder(), 'password');
    return { folder, file };
  }

  /** Names with a whole bundle. */
  async function found(source: Source): Promise<string[]> {
    const { changed } = await source.scan();
    const opened = await Promise.all(
      changed.map(async (name) => {
        const raw = await source.read(name);
        return raw === null || isRefusal(raw) ? [] : openAny(raw);
      }),
    );
    return opened.flatMap((one) => ('bundle' in one ? one.bundle.leaf.names : [])).sort();
  }

  it('are told by their content, with the password of the source', async () => {
    const { folder, file } = anonymous();
    writeFileSync(file, 'first\n');
    expect(await found(sourceOf({ type: 'directory', path: folder, password_file: file }))).toEqual(names);
    expect(await found(sourceOf({ type: 'directory', path: folder, password: 'first' }))).toEqual(names);
  });

  it('are told once the password is the right one, and not before', async () => {
    const { folder, file } = anonymous();
    writeFileSync(file, 'wrong');
    const source = sourceOf({ type: 'directory', path: folder, password_file: file });
    expect(await found(source)).toEqual([]);
    expect((await source.scan()).strays?.map(({ reason }) => reason)).toEqual([
      'encrypted_key',
      'encrypted_key',
    ]);
    writeFileSync(file, 'first');
    expect(await found(source)).toEqual(names);
    expect((await source.scan()).strays).toEqual([]);
  });
});
