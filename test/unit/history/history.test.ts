import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { History, readHistory } from '../../../src/history';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

/** A history in a file of its own, whose clock is set by the test. */
function keeping(path = join(testFolder(), 'history'), maxBytes = 1_048_576) {
  const said: string[] = [];
  let time = Date.parse('2026-06-01T00:00:00Z');
  const history = new History({
    entry: 'E',
    path,
    maxBytes,
    say: (what) => said.push(what),
    now: () => time,
  });
  onTestFinished(() => history.close());
  const swapped = (name: string) => history.note('swapped', { snis: [name], by: 'us' });
  return { history, path, said, swapped, sets: (to: string) => void (time = Date.parse(to)) };
}

const namesIn = async (path: string, query: { name?: string; since?: number; limit?: number } = {}) =>
  (await readHistory([path], { limit: 1_000, ...query })).entries.map(({ snis }) => snis.join());

it('the newest is told first, whatever the clock did', async () => {
  const { history, path, swapped, sets } = keeping();
  swapped('one');
  sets('2026-05-01T00:00:00Z');
  swapped('two');
  sets('2026-07-01T00:00:00Z');
  swapped('three');
  await history.close();
  expect(await namesIn(path)).toEqual(['three', 'two', 'one']);
  expect(await namesIn(path, { since: Date.parse('2026-06-15T00:00:00Z') })).toEqual(['three']);
});

it.each([
  ['www.example.test', ['www.example.test', '*.example.test']],
  ['WWW.example.test', ['www.example.test', '*.example.test']],
  ['example.test', []],
  ['a.b.example.test', []],
  ['*.example.test', ['*.example.test']],
  ['id of api', ['api.example.test']],
  ['/certs/api.crt', ['api.example.test']],
])('asked for %s, it tells what is about that', async (name, found) => {
  const { history, path, swapped } = keeping();
  for (const sni of ['www.example.test', '*.example.test']) swapped(sni);
  history.note('swapped', {
    snis: ['api.example.test'],
    certificate_id: 'id of api',
    location: '/certs/api.crt',
  });
  await history.close();
  const names = await namesIn(path, { name });
  expect(names.toSorted()).toEqual(found.toSorted());
});

it('a limit takes the newest, and says that there are more', async () => {
  const { history, path, swapped } = keeping();
  for (let round = 0; round < 100; round++) swapped(String(round));
  await history.close();
  const { entries, is_cut } = await readHistory([path], { limit: 3 });
  expect([entries.map(({ snis }) => snis[0]), is_cut]).toEqual([['99', '98', '97'], true]);
});

it('it takes no more room than it may, and keeps the newest', async () => {
  const path = join(testFolder(), 'history');
  for (let round = 0; round < 1_000; round += 20) {
    const { history, swapped } = keeping(path, 40_000);
    for (let one = round; one < round + 20; one++) swapped(String(one));
    await history.close();
  }
  expect(statSync(path).size + statSync(`${path}.1`).size).toBeLessThan(50_000);
  const names = await namesIn(path);
  expect(names[0]).toBe('999');
  expect(names.length).toBeLessThan(500);
  // Without a gap.
  expect(names).toEqual(names.map((_, index) => String(999 - index)));
});

it('a line that was cut off costs that line alone', async () => {
  const { history, path, swapped } = keeping();
  swapped('one');
  await history.close();
  appendFileSync(path, '{"at":"2026-06-01T00:00:00.000Z","entry":"E","ki');
  const after = keeping(path);
  after.swapped('two');
  await after.history.close();
  expect(await namesIn(path)).toEqual(['two', 'one']);
});

it('a process that is killed while it writes leaves a history that can be read and goes on', async () => {
  const path = join(testFolder(), 'history');
  const program = `
    const { openSync, writeSync } = require('node:fs');
    const file = openSync(${JSON.stringify(path)}, 'a');
    const line = JSON.stringify({ at: '2026-06-01T00:00:00.000Z', entry: 'E', snis: ['x'.repeat(5000)] });
    for (;;) writeSync(file, line + '\\n');`;
  const child = spawn(process.execPath, ['-e', program]);
  await eventually('it writes', () => existsSync(path) && statSync(path).size > 100_000);
  child.kill('SIGKILL');
  await once(child, 'close');
  const { history, swapped } = keeping(path);
  swapped('after');
  await history.close();
  expect((await namesIn(path))[0]).toBe('after');
});

it('entries that could not be written are recorded as a gap once the file can be written again', async () => {
  const folder = join(testFolder(), 'missing');
  const path = join(folder, 'history');
  const { history, said, swapped } = keeping(path);
  swapped('one');
  await eventually('it is said', () => said.length > 0);
  mkdirSync(folder);
  await eventually('the gap is told', async () => {
    swapped('later');
    return (await readHistory([path], { limit: 9 })).entries.some(({ kind }) => kind === 'gap');
  });
  await history.close();
  expect(said).toEqual(['trouble', 'relief']);
});

it.each([
  ['a link', (path: string) => symlinkSync('/etc/hostname', path)],
  ['a pipe', (path: string) => void execFileSync('mkfifo', [path])],
])('%s in its place is not followed', async (_, make) => {
  const path = join(testFolder(), 'history');
  make(path);
  const { history, said, swapped } = keeping(path);
  swapped('one');
  await history.close();
  expect(said).toEqual(['trouble']);
});

it('nothing secret gets into it', async () => {
  const { history, path } = keeping();
  history.note('kong_away', { detail: 'https://kong:s3cr3t@127.0.0.1:8001 (Kong-Admin-Token: s3cr3t)' });
  await history.close();
  expect(readFileSync(path, 'utf8')).not.toContain('s3cr3t');
});
