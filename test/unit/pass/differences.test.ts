import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DifferenceFile } from '../../../src/pass';
import { testFolder } from '../../support/folders';

const DAY_MS = 86_400_000;
const since = (at: number) => ({ chain: 'chain of the renewal', since: at, nudgedAt: null });

function files() {
  const path = join(testFolder(), 'differences');
  const clock = { now: Date.parse('2026-06-01T00:00:00Z') };
  return { path, clock, file: () => new DifferenceFile(path, () => clock.now) };
}

it('the next run knows what the last one saw, and only their user may read it', () => {
  const { path, clock, file } = files();
  file().save(new Map([['K main', since(clock.now)]]), []);
  expect(file().load()).toEqual(new Map([['K main', since(clock.now)]]));
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

it('runs with different sources keep the entries of the others', () => {
  const { clock, file } = files();
  const [one, two] = [file(), file()];
  one.save(new Map([['A main', since(clock.now)]]), []);
  two.save(new Map([['B main', since(clock.now)]]), []);
  one.save(new Map(), ['A main']);
  expect([...file().load().keys()]).toEqual(['B main']);
});

it('the file goes with the last difference, and none is made where there is none', () => {
  const { path, clock, file } = files();
  file().save(new Map(), ['A main']);
  expect(existsSync(path)).toBe(false);
  file().save(new Map([['A main', since(clock.now)]]), []);
  file().save(new Map(), ['A main']);
  expect(existsSync(path)).toBe(false);
});

it('a difference that nobody has seen for more than a week is forgotten', () => {
  const { clock, file } = files();
  file().save(new Map([['A main', since(clock.now)]]), []);
  clock.now += 7 * DAY_MS;
  expect(file().load().size).toBe(1);
  clock.now += 2 * DAY_MS;
  expect(file().load().size).toBe(0);
});

it.for(['', 'not JSON', '[]', 'null', '{"A main": 1, "B main": {"chain": 1, "since": "x"}}', '{"A'])(
  'a file with other content (%s) counts as empty',
  (text) => {
    const { path, clock, file } = files();
    writeFileSync(path, text);
    expect(file().load()).toEqual(new Map());
    file().save(new Map([['K main', since(clock.now)]]), []);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ 'K main': since(clock.now) });
  },
);

it('a folder that is not there costs the memory, and nothing else', () => {
  const file = new DifferenceFile(join(testFolder(), 'no', 'such', 'folder'));
  file.save(new Map([['K main', since(Date.now())]]), []);
  expect(file.load()).toEqual(new Map());
});
