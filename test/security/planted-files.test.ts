import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { replaceFile } from '../../src/common/replace-file';
import { listenOnPath } from '../../src/common/unix-socket';
import { LockHolder, PrefixLock } from '../../src/app/prefix-lock';
import { stateFolder } from '../../src/gateway';
import { commitsOf } from '../../src/gateway/node/commits';
import { KongReload } from '../../src/gateway/node/reload';
import { writePrintProgram } from '../../src/plugin-server/print-program';
import { readHistory } from '../../src/history';
import { DifferenceFile, HomesFile } from '../../src/pass';
import { testFolder } from '../support/folders';

/** Another container of the pod, which may write to Kong's prefix, replaces files that this process keeps there. */
const DIFFERENCE = { chain: 'c', since: Date.now(), nudgedAt: null };

/** Files that are kept in the prefix: how each is written. */
const WRITERS: Readonly<Record<string, (path: string) => unknown>> = {
  homes: (path) => new HomesFile(path).save('{}'),
  differences: (path) => {
    new DifferenceFile(path).save(new Map([['a', DIFFERENCE]]), []);
  },
  'the declarative file': (path) => replaceFile(path, 'text', null),
};

/** Programs that others run. */
const PROGRAMS: typeof WRITERS = {
  'the program that prints the schema': (path) => writePrintProgram(path, '[]'),
};

describe.each(Object.entries({ ...WRITERS, ...PROGRAMS }))('%s', (name, write) => {
  test.for<[string, (path: string) => string]>([
    ['the file', (path) => path],
    ['its draft', (path) => join(path, '..', `.file.ssl-cert-reloader-${process.pid}`)],
    ['a draft of another form', (path) => `${path}.${process.pid}`],
  ])('a link in the place of %s has nothing else written', async ([, placeOf]) => {
    const folder = testFolder();
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'precious');
    const path = join(folder, 'file');
    symlinkSync(victim, placeOf(path));
    await write(path);
    expect(readFileSync(victim, 'utf8')).toBe('precious');
    expect(lstatSync(path).isFile()).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(name in PROGRAMS ? 0o755 : 0o600);
    expect(statSync(victim).mode & 0o111).toBe(0);
  });
});

describe('the history', () => {
  const query = { limit: 10, name: 'a.test' };
  const entry = (at: string) => JSON.stringify({ at, kind: 'swapped', snis: ['a.test'] });

  test.for<[string, (path: string) => void]>([
    ['a pipe', (path) => void execFileSync('mkfifo', [path])],
    ['a device without an end', (path) => symlinkSync('/dev/zero', path)],
  ])('%s in its place is not read', async ([, plant]) => {
    const path = join(testFolder(), 'history');
    plant(path);
    await expect(readHistory([path], query)).rejects.toThrow('is not a file');
  });

  it('lines that are no entries, or have no end, hide no others', async () => {
    const path = join(testFolder(), 'history');
    const strange = ['null', '5', '[]', '{"at":1}', '{"at":"a.test","snis":[5]}', 'a.test', '{"a.test":'];
    const lines = [entry('2026-01-01'), ...strange, `"a.test ${'x'.repeat(5_000_000)}`, entry('2026-01-02')];
    writeFileSync(path, lines.join('\n'));
    const { entries } = await readHistory([path], query);
    expect(entries.map(({ at }) => at)).toEqual(['2026-01-02', '2026-01-01']);
  });
});

it('a holder of the lock whose answer never ends is believed after a moment', async () => {
  for (const [pieces, everyMs] of [
    ['x', 20],
    ['1'.repeat(100_000), 1],
  ] as const) {
    const prefix = testFolder();
    const server = createServer((client) => {
      client.on('error', () => undefined);
      const timer = setInterval(() => client.write(pieces), everyMs);
      client.on('close', () => clearInterval(timer));
    });
    const path = join(stateFolder(prefix), 'ssl-cert-reloader.lock');
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const lock = await PrefixLock.take(prefix);
    expect(lock instanceof LockHolder ? lock.pid : 'none').toBe('');
    server.close();
  }
});

test.for<[string, (path: string) => void]>([
  ['a pipe', (path) => void execFileSync('mkfifo', [path])],
  ['a device without an end', (path) => symlinkSync('/dev/zero', path)],
  [
    'a folder',
    (path) => {
      mkdirSync(path);
    },
  ],
])('%s in the place of a file of our own is read as one that is not there', ([, plant]) => {
  const path = join(testFolder(), 'file');
  plant(path);
  expect(new HomesFile(path).load().ofName('a.test')).toEqual([]);
  expect(new DifferenceFile(path).load().size).toBe(0);
  expect(new KongReload(join(path, '..'), false).doneFor('AA')).toBeNull();
});

test.for<[string, (path: string) => void]>([
  ['a pipe', (path) => void execFileSync('mkfifo', [path])],
  ['a device without an end', (path) => symlinkSync('/dev/zero', path)],
])("%s in the place of Kong's store is no number of commits", ([, plant]) => {
  const prefix = testFolder();
  mkdirSync(join(prefix, 'dbless.lmdb'));
  plant(join(prefix, 'dbless.lmdb', 'data.mdb'));
  expect(commitsOf(prefix)).toBeNull();
});

it('names that a program knows from elsewhere do nothing in a file of our own', () => {
  const path = join(testFolder(), 'file');
  const entry = '{"chain":"c","since":1e15,"nudgedAt":null}';
  writeFileSync(path, `{"__proto__":${entry},"constructor":${entry},"toString":1}`);
  expect([...new DifferenceFile(path).load().keys()]).toEqual(['__proto__', 'constructor']);
  writeFileSync(
    path,
    '{"version":1,"homes":[[["place"],["leaf"],["__proto__","constructor"]]],"__proto__":{"x":1}}',
  );
  const homes = new HomesFile(path).load();
  expect(homes.ofName('toString')).toEqual([]);
  expect(homes.ofName('__proto__')).toEqual(['place']);
  expect(({} as { x?: number }).x).toBeUndefined();
});

it('a socket has its mode from the beginning: a link in its place a moment later keeps its own', async () => {
  const folder = testFolder();
  const path = join(folder, 'socket');
  const server = createServer();
  const listening = listenOnPath(server, path);
  // Before anything else could have happened.
  expect(statSync(`${path}.${process.pid}`).mode & 0o777).toBe(0o660);
  await listening;
  expect(statSync(path).mode & 0o777).toBe(0o660);
  server.close();
  expect(existsSync(`${path}.${process.pid}`)).toBe(false);
});
