import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LogHub } from '../../../src/report';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

function hub() {
  const stderr: string[] = [];
  return { log: new LogHub((line) => stderr.push(line)), stderr };
}

const messages = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => (JSON.parse(line) as { message: string }).message);

it('a file gets what stderr gets: the lines of its entry and those of the whole process', async () => {
  const file = join(testFolder(), 'reloader.log');
  const { log, stderr } = hub();
  const entry = log.open({ file, level: 'info' });
  entry.log('info', 'of the entry', { snis: ['a.test'] });
  log.log('warn', 'of the process');
  await log.close();
  expect(readFileSync(file, 'utf8')).toBe(stderr.join(''));
  expect(messages(stderr.join(''))).toEqual(['of the entry', 'of the process']);
});

it('the level of an entry counts for its lines alone', () => {
  const { log, stderr } = hub();
  const quiet = log.open({ level: 'error' });
  const loud = log.open({ level: 'debug' });
  quiet.log('warn', 'not said');
  quiet.log('error', 'said');
  loud.log('debug', 'said as well');
  log.log('info', 'of the process');
  expect(messages(stderr.join(''))).toEqual(['said', 'said as well', 'of the process']);
});

it('two entries with one file share it: no line is there twice, and it stays until both have ended', async () => {
  const file = join(testFolder(), 'reloader.log');
  const { log } = hub();
  const [one, two] = [log.open({ file, level: 'info' }), log.open({ file, level: 'info' })];
  one.log('info', 'one');
  one.close();
  one.close();
  log.log('info', 'both');
  two.log('info', 'two');
  await log.close();
  expect(messages(readFileSync(file, 'utf8'))).toEqual(['one', 'both', 'two']);
});

it('a file that cannot be written is reported once on stderr, and stderr goes on', async () => {
  const { log, stderr } = hub();
  const entry = log.open({ file: '/dev/full', level: 'info' });
  entry.log('info', 'one');
  await eventually('it is said', () => stderr.length > 1);
  for (let line = 0; line < 20; line++) entry.log('info', 'more');
  await log.close();
  const said = messages(stderr.join('')).filter((message) => message.startsWith('the log file'));
  expect(said).toEqual(['the log file cannot be written; lines go to stderr only']);
  expect(stderr).toHaveLength(22);
});

it('without a file none is made', async () => {
  const { log } = hub();
  log.open({ file: null, level: 'info' }).log('info', 'x');
  await log.close();
  expect(existsSync('null')).toBe(false);
});

it('a line that comes after the end of its entry is on stderr alone, and opens no file again', async () => {
  const file = join(testFolder(), 'reloader.log');
  const { log, stderr } = hub();
  const entry = log.open({ file, level: 'info' });
  entry.log('info', 'before');
  await eventually('it is written', () => existsSync(file) && readFileSync(file, 'utf8') !== '');
  entry.close();
  entry.log('info', 'after');
  await log.close();
  const openFiles = () =>
    readdirSync('/proc/self/fd').map((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
  await eventually('it is closed', () => !openFiles().includes(file));
  expect(messages(readFileSync(file, 'utf8'))).toEqual(['before']);
  expect(messages(stderr.join(''))).toEqual(['before', 'after']);
});
