import { appendFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, truncateSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { LineFile } from '../../../src/common/line-file';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

/** A file whose clock is set by the test. */
function logTo(path: string) {
  const troubles: string[] = [];
  const reliefs: number[] = [];
  let time = 0;
  const file = new LineFile({
    path,
    onTrouble: ({ message }) => troubles.push(message),
    onRelief: (lost) => reliefs.push(lost),
    now: () => time,
  });
  onTestFinished(() => file.close());
  const passes = (ms: number) => void (time += ms);
  return { file, troubles, reliefs, passes };
}

const textOf = (path: string) => readFileSync(path, 'utf8');
const holds = (path: string, text: string) =>
  eventually(`${path} holds it`, () => textOf(path).includes(text));

it('a log file is created for its owner and group, and gets whole lines in their order', async () => {
  const path = join(testFolder(), 'reloader.log');
  const { file } = logTo(path);
  const lines = Array.from({ length: 500 }, (_, index) => `line ${index} ü\n`);
  for (const line of lines) file.write(line);
  await file.close();
  expect(textOf(path)).toBe(lines.join(''));
  // Regardless of the umask no other user can read it, and nobody can execute it.
  expect(statSync(path).mode & 0o777 & ~0o040).toBe(0o600);
});

it('no line about 10,000 renewals of one pass is lost on a healthy disk', async () => {
  const path = join(testFolder(), 'reloader.log');
  const { file, reliefs, troubles } = logTo(path);
  const line = `${'x'.repeat(420)}\n`;
  for (let count = 0; count < 10_000; count++) file.write(line);
  await file.close();
  expect([statSync(path).size, reliefs, troubles]).toEqual([10_000 * line.length, [], []]);
});

it('existing content of the file stays', async () => {
  const path = join(testFolder(), 'reloader.log');
  appendFileSync(path, 'before\n');
  const { file } = logTo(path);
  file.write('after\n');
  await file.close();
  expect(textOf(path)).toBe('before\nafter\n');
});

it('a file that logrotate moved away is created anew', async () => {
  const path = join(testFolder(), 'reloader.log');
  const { file, passes, troubles } = logTo(path);
  file.write('one\n');
  await holds(path, 'one');
  renameSync(path, `${path}.1`);
  passes(1_000);
  file.write('two\n');
  await holds(path, 'two');
  expect([textOf(`${path}.1`), textOf(path), troubles]).toEqual(['one\n', 'two\n', []]);
});

it('a file that was deleted is created anew', async () => {
  const path = join(testFolder(), 'reloader.log');
  const { file, passes } = logTo(path);
  file.write('one\n');
  await holds(path, 'one');
  rmSync(path);
  passes(1_000);
  file.write('two\n');
  await holds(path, 'two');
});

it('a file that was cut to nothing goes on at its start', async () => {
  const path = join(testFolder(), 'reloader.log');
  const { file } = logTo(path);
  file.write('one\n');
  await holds(path, 'one');
  truncateSync(path);
  file.write('two\n');
  await holds(path, 'two');
  expect(textOf(path)).toBe('two\n');
});

it('a missing folder is reported once, and the lines go on when it is there', async () => {
  const folder = join(testFolder(), 'missing');
  const path = join(folder, 'reloader.log');
  const { file, passes, troubles, reliefs } = logTo(path);
  file.write('one\n');
  await eventually('it is said', () => troubles.length > 0);
  file.write('two\n');
  mkdirSync(folder);
  await eventually('a later line is there', () => {
    passes(5_000);
    file.write('four\n');
    return textOf(path).includes('four\n');
  });
  expect(troubles).toEqual([expect.stringContaining('ENOENT') as string]);
  expect(reliefs).toEqual([expect.any(Number) as number]);
  expect(reliefs[0]).toBeGreaterThanOrEqual(2);
});

it('a full disk is reported once and stops nothing', async () => {
  const { file, passes, troubles } = logTo('/dev/full');
  for (let round = 0; round < 5; round++) {
    for (let line = 0; line < 100; line++) file.write('x\n');
    passes(10_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await file.close();
  expect(troubles).toEqual([expect.stringContaining('ENOSPC') as string]);
});

it.each([
  ['a folder', (path: string) => mkdirSync(path)],
  ['a pipe that nobody reads', (path: string) => execFileSync('mkfifo', [path])],
])('%s in its place is said once', async (_, make) => {
  const path = join(testFolder(), 'reloader.log');
  make(path);
  const { file, troubles } = logTo(path);
  file.write('one\n');
  file.write('two\n');
  await file.close();
  expect(troubles).toHaveLength(1);
});

it('two writers of one file leave every line whole', async () => {
  const path = join(testFolder(), 'reloader.log');
  const writers = ['a', 'b'].map((name) => ({ name, ...logTo(path) }));
  for (let round = 0; round < 200; round++) {
    for (const { name, file } of writers)
      file.write(`${JSON.stringify({ name, round, x: 'x'.repeat(300) })}\n`);
    if (round % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(writers.map(({ file }) => file.close()));
  const lines = textOf(path).trimEnd().split('\n');
  const rounds = (of: string) =>
    lines
      .map((line) => JSON.parse(line) as { name: string; round: number })
      .filter(({ name }) => name === of);
  for (const { name } of writers) {
    expect(rounds(name).map(({ round }) => round)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  }
});
