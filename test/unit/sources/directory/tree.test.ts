import { chmodSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { DirectorySource } from '../../../../src/sources';
import { issue } from '../../../support/bundles';
import { testFolder, writePair } from '../../../support/folders';
import { Reader } from '../../../support/scans';

const first = issue();
const second = issue();

async function readerOf(folder: string): Promise<Reader> {
  const reader = new Reader(new DirectorySource(folder, true));
  await reader.settle();
  return reader;
}

function subfolder(...parts: string[]): string {
  const path = join(...parts);
  mkdirSync(path, { recursive: true });
  return path;
}

describe('a tree of folders', () => {
  it('is searched at every depth, and names say where a pair stands', async () => {
    const folder = testFolder();
    writePair(subfolder(folder, 'a', 'b', 'c'), 'deep', first);
    writePair(folder, 'top', first);
    const reader = await readerOf(folder);
    expect(reader.names).toEqual(['a/b/c/deep.crt', 'top.crt']);
  });

  it('is followed by what a watch reports: a folder that is new, or removed and made again', async () => {
    const folder = testFolder();
    writePair(subfolder(folder, 'other'), 'www', first);
    const source = new DirectorySource(folder, true);
    await source.scan();
    const path = join(folder, 'later');
    for (const pair of [first, second]) {
      writePair(subfolder(path), 'www', pair);
      expect((await source.scan(new Set([path]))).changed).toContain('later/www.crt');
      rmSync(path, { recursive: true });
      expect((await source.scan(new Set([path]))).removed).toEqual(['later/www.crt']);
    }
  });

  it('tells pairs of the same name in two folders apart', async () => {
    const folder = testFolder();
    writePair(subfolder(folder, 'one'), 'tls', first);
    writePair(subfolder(folder, 'two'), 'tls', second);
    const reader = await readerOf(folder);
    expect(reader.texts('one/tls.crt')).toEqual({ cert: first.chain, key: first.key });
    expect(reader.texts('two/tls.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('is followed when a folder is added, filled, renamed and removed', async () => {
    const folder = testFolder();
    const reader = await readerOf(folder);
    expect(reader.names).toEqual([]);
    const sub = subfolder(folder, 'sub');
    await reader.settle();
    writePair(sub, 'www', first);
    await reader.settle();
    expect(reader.names).toEqual(['sub/www.crt']);
    renameSync(sub, join(folder, 'renamed'));
    await reader.settle();
    expect(reader.names).toEqual(['renamed/www.crt']);
    rmSync(join(folder, 'renamed'), { recursive: true });
    expect(await reader.pass()).toMatchObject({ removed: ['renamed/www.crt'], total: 0 });
  });

  it('loses whole branches at once', async () => {
    const folder = testFolder();
    writePair(subfolder(folder, 'a', 'b'), 'deep', first);
    writePair(join(folder, 'a'), 'high', first);
    const reader = await readerOf(folder);
    rmSync(join(folder, 'a'), { recursive: true });
    const { removed } = await reader.pass();
    expect([...removed].sort()).toEqual(['a/b/deep.crt', 'a/high.crt']);
  });

  it('has no hidden files and folders in it', async () => {
    const folder = testFolder();
    writePair(subfolder(folder, '.hidden'), 'www', first);
    writePair(folder, '.www', first);
    expect((await readerOf(folder)).names).toEqual([]);
  });

  it('does not hold a certificate twice because a link leads back up', async () => {
    const folder = testFolder();
    writePair(subfolder(folder, 'sub'), 'www', first);
    symlinkSync('..', join(folder, 'sub', 'up'));
    const reader = await readerOf(folder);
    expect(reader.names).toEqual(['sub/www.crt']);
  });

  it('stays as small as it is though two links lead in circles', async () => {
    const folder = testFolder();
    writePair(folder, 'www', first);
    symlinkSync('.', join(folder, 'here'));
    symlinkSync('..', join(subfolder(folder, 'sub'), 'up'));
    const { total } = await new DirectorySource(folder, true).scan();
    expect(total).toBe(1);
  });

  it('of 2,000 pairs is known whole, and a single change is found', { timeout: 120_000 }, async () => {
    const folder = testFolder();
    for (let index = 0; index < 2_000; index++) {
      const sub = subfolder(folder, String(index % 20));
      writeFileSync(join(sub, `host-${index}.crt`), first.chain);
      writeFileSync(join(sub, `host-${index}.key`), first.key);
    }
    const reader = await readerOf(folder);
    expect(reader.bundles.size).toBe(2_000);
    writeFileSync(join(folder, '7', 'host-1007.crt'), second.chain);
    expect(await reader.pass()).toMatchObject({ changed: ['7/host-1007.crt'], total: 2_000 });
  });
});

describe('links that are swapped', () => {
  it("as in certbot's live/ folder lead to the new certificate and key", async () => {
    const folder = testFolder();
    const archive = subfolder(folder, 'archive', 'www');
    const live = subfolder(folder, 'live', 'www');
    const files = { fullchain: 'chain', privkey: 'key' } as const;
    const renew = (version: number, issued: typeof first) => {
      for (const [name, part] of Object.entries(files)) {
        writeFileSync(join(archive, `${name}${version}.pem`), issued[part]);
        symlinkSync(`../../archive/www/${name}${version}.pem`, join(live, 'new'));
        renameSync(join(live, 'new'), join(live, `${name}.pem`));
      }
    };
    renew(1, first);
    const reader = await readerOf(join(folder, 'live'));
    expect(reader.texts('www/fullchain.pem')).toEqual({ cert: first.chain, key: first.key });
    renew(2, second);
    expect((await reader.pass()).changed).toEqual(['www/fullchain.pem']);
    expect(reader.texts('www/fullchain.pem')).toEqual({ cert: second.chain, key: second.key });
  });

  it('as in a mounted Secret lead to the new certificate and key', async () => {
    const folder = testFolder();
    const update = (generation: string, issued: typeof first) => {
      const data = subfolder(folder, `..${generation}`);
      writeFileSync(join(data, 'tls.crt'), issued.chain);
      writeFileSync(join(data, 'tls.key'), issued.key);
      symlinkSync(`..${generation}`, join(folder, '..data_tmp'));
      renameSync(join(folder, '..data_tmp'), join(folder, '..data'));
    };
    update('2026_01_01', first);
    symlinkSync('..data/tls.crt', join(folder, 'tls.crt'));
    symlinkSync('..data/tls.key', join(folder, 'tls.key'));
    const reader = await readerOf(folder);
    expect(reader.texts('tls.crt')).toEqual({ cert: first.chain, key: first.key });
    update('2026_03_01', second);
    rmSync(join(folder, '..2026_01_01'), { recursive: true });
    expect((await reader.pass()).changed).toEqual(['tls.crt']);
    expect(reader.texts('tls.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('to a folder are followed when they lead to another one', async () => {
    const folder = testFolder();
    const elsewhere = testFolder();
    writePair(subfolder(elsewhere, 'v1'), 'www', first);
    writePair(subfolder(elsewhere, 'v2'), 'www', second);
    symlinkSync(join(elsewhere, 'v1'), join(folder, 'current'));
    const reader = await readerOf(folder);
    unlinkSync(join(folder, 'current'));
    symlinkSync(join(elsewhere, 'v2'), join(folder, 'current'));
    await reader.settle();
    expect(reader.texts('current/www.crt')).toEqual({ cert: second.chain, key: second.key });
  });
});

describe('the folder itself', () => {
  it('that is missing is an error with advice, and none once it is there', async () => {
    const folder = join(testFolder(), 'later');
    const source = new DirectorySource(folder, true);
    expect(await source.scan()).toEqual({
      changed: [],
      removed: [],
      total: 0,
      strays: [],
      errors: [
        { reason: 'unreadable', message: `${folder} does not exist (yet); create it or mount it there` },
      ],
    });
    writePair(subfolder(folder), 'www', first);
    expect(await source.scan()).toMatchObject({ changed: ['www.crt'], errors: [] });
  });

  it('that is missing is no error where it need not exist', async () => {
    const source = new DirectorySource(join(testFolder(), 'later'), false, { isOptional: true });
    expect(await source.scan()).toEqual({ changed: [], removed: [], total: 0, strays: [], errors: [] });
  });

  it('that goes away takes its pairs with it, and comes back with them', async () => {
    const folder = subfolder(testFolder(), 'certs');
    writePair(folder, 'www', first);
    const reader = await readerOf(folder);
    rmSync(folder, { recursive: true });
    expect(await reader.pass()).toMatchObject({
      removed: ['www.crt'],
      total: 0,
      errors: [{ reason: 'unreadable' }],
    });
    writePair(subfolder(folder), 'www', second);
    await reader.settle();
    expect(reader.texts('www.crt')).toEqual({ cert: second.chain, key: second.key });
  });

  it('that is a file is an error', async () => {
    const file = join(testFolder(), 'file.pem');
    writeFileSync(file, first.chain + first.key);
    expect((await new DirectorySource(file, true).scan()).errors).toEqual([
      { reason: 'unreadable', message: `${file} is not a folder; give one, or use a source of type file` },
    ]);
  });

  it('that links to itself is an error and no exception', async () => {
    const link = join(testFolder(), 'link');
    symlinkSync('link', link);
    expect((await new DirectorySource(link, true).scan()).errors).toEqual([
      { reason: 'unreadable', message: `${link} cannot be read: too many symbolic links` },
    ]);
  });

  it.skipIf(process.getuid?.() === 0)(
    'that is out of reach is said to be so, though it need not exist (root reaches everything)',
    async () => {
      const parent = testFolder();
      const folder = subfolder(parent, 'live');
      chmodSync(parent, 0o000);
      onTestFinished(() => chmodSync(parent, 0o700));
      for (const optional of [false, true]) {
        expect((await new DirectorySource(folder, true, { isOptional: optional }).scan()).errors).toEqual([
          {
            reason: 'unreadable',
            message: `${folder} cannot be read: permission denied; the user that Kong runs as must be able to read it`,
          },
        ]);
      }
    },
  );

  it('has an id that a restart does not change', () => {
    expect(new DirectorySource('/etc/letsencrypt/live/', true).id).toBe('directory:/etc/letsencrypt/live');
    expect(new DirectorySource('/etc/kong/../kong/certs', true).id).toBe('directory:/etc/kong/certs');
  });
});

it('files whose names do not say what they are are read up to a limit, which is said', async () => {
  const folder = testFolder();
  for (const name of ['a.pem', 'b.pem', 'c.pem']) writeFileSync(join(folder, name), '');
  const { errors } = await new DirectorySource(folder, true, { maxFiles: 2 }).scan();
  expect(errors.map(({ reason, message }) => `${reason}: ${message}`)).toEqual([
    expect.stringMatching(/^too_large: .+ has more than 2 files whose names do not say/),
  ]);
  expect((await new DirectorySource(folder, true, { maxFiles: 3 }).scan()).errors).toEqual([]);
});
