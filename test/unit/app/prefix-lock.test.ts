import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LockHolder, PrefixLock } from '../../../src/app/prefix-lock';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const NAME = 'ssl-cert-reloader.lock';

async function taken(prefix: string): Promise<PrefixLock> {
  const lock = await PrefixLock.take(prefix);
  if (!(lock instanceof PrefixLock)) throw new Error('the lock was not to be had');
  onTestFinished(() => lock.release());
  return lock;
}

/** A process that held the lock, or made another socket, and was killed. */
async function deadHolder(prefix: string, name = NAME): Promise<void> {
  const path = join(prefix, name);
  const program = `require('node:net').createServer(() => {}).listen(${JSON.stringify(path)})`;
  const child = spawn(process.execPath, ['-e', program], { stdio: 'ignore' });
  await eventually('it listens', () => readdirSync(prefix).includes(name));
  child.kill('SIGKILL');
  await new Promise((done) => child.on('exit', done));
}

it('belongs to the first one, and tells the second whose it is', async () => {
  const prefix = testFolder();
  const lock = await taken(prefix);
  const second = await PrefixLock.take(prefix);
  expect(second).toBeInstanceOf(LockHolder);
  expect((second as LockHolder).wayOut).toContain(
    `(process ${process.pid}) works for the Kong of ${prefix}: end it first`,
  );
  expect(await lock.lostTo()).toBeNull();
  expect(readdirSync(prefix)).toEqual([NAME]);
});

it('is free again once it was released, and nothing of it is left', async () => {
  const prefix = testFolder();
  (await taken(prefix)).release();
  expect(readdirSync(prefix)).toEqual([]);
  await taken(prefix);
});

it('clears away sockets of killed processes that never got their names, and no others', async () => {
  const prefix = testFolder();
  const remains = [`${NAME}.4dfae487`, `${NAME}.4dfae487.dead`, 'ssl-cert-reloader.socket.2325'];
  const others = ['ssl-cert-reloader.history.1', 'ssl-cert-reloader-status.socket', 'another.socket.2325'];
  for (const name of [...remains, ...others]) await deadHolder(prefix, name);
  await taken(prefix);
  expect(readdirSync(prefix).sort()).toEqual([...others, NAME].sort());
});

it('clears away what killed processes wrote of files that never came to be', async () => {
  const prefix = testFolder();
  const ended = String(spawnSync(process.execPath, ['--version']).pid);
  const running = String(process.ppid);
  const draft = (name: string, pid: string) => `.${name}.ssl-cert-reloader-${pid}`;
  const files = [
    'known-811a8a59f5fc',
    'told-811a8a59f5fc',
    'homes-811a8a59f5fc',
    'holds',
    'reloads',
    'differences',
  ];
  const others = [draft('kong.yml', ended), draft('ssl-cert-reloader.holds', running)];
  // A folder cannot be removed like a file.
  const folder = draft('ssl-cert-reloader.a', ended);
  mkdirSync(join(prefix, folder));
  for (const name of [...files.map((file) => draft(`ssl-cert-reloader.${file}`, ended)), ...others])
    writeFileSync(join(prefix, name), 'half a te');
  await taken(prefix);
  expect(readdirSync(prefix).sort()).toEqual([...others, folder, NAME].sort());
});

it.for([
  ['a process that was killed', (prefix: string) => deadHolder(prefix)],
  ['somebody who put a file in its place', (prefix: string) => writeFileSync(join(prefix, NAME), '1\n')],
] as const)('is not held up by what is left of %s', async ([, leave]) => {
  const prefix = testFolder();
  await leave(prefix);
  await taken(prefix);
  expect(readdirSync(prefix)).toEqual([NAME]);
});

it('goes to one of many that find a dead one at once', async () => {
  const prefix = testFolder();
  await deadHolder(prefix);
  const found = await Promise.all(Array.from({ length: 20 }, () => PrefixLock.take(prefix)));
  const locks = found.filter((one) => one instanceof PrefixLock);
  onTestFinished(() => locks.forEach((lock) => lock.release()));
  const lost = await Promise.all(locks.map((lock) => lock.lostTo()));
  expect(lost.filter((holder) => holder === null)).toHaveLength(1);
});

it('is made anew where somebody removed it', async () => {
  const prefix = testFolder();
  const lock = await taken(prefix);
  rmSync(join(prefix, NAME));
  expect(await lock.lostTo()).toBeNull();
  expect(readdirSync(prefix)).toEqual([NAME]);
  expect(await PrefixLock.take(prefix)).toBeInstanceOf(LockHolder);
});

it('that was removed and taken by another is lost', async () => {
  const prefix = testFolder();
  const lock = await taken(prefix);
  rmSync(join(prefix, NAME));
  const thief = await taken(prefix);
  expect(await lock.lostTo()).toBeInstanceOf(LockHolder);
  expect(await thief.lostTo()).toBeNull();
});

it('is nobody’s in a prefix that is not there', async () => {
  const prefix = join(testFolder(), 'none');
  expect(await PrefixLock.take(prefix)).toBeNull();
  mkdirSync(prefix);
  await taken(prefix);
});
