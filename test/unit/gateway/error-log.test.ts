import { spawn } from 'node:child_process';
import { chmodSync, closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, test, vi } from 'vitest';
import { kongErrorLog } from '../../../src/gateway';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const WORKER = 'nginx: worker process';

/** A process like one of nginx's workers: its standard error is the log. */
async function kong({ level = 'notice', title = WORKER } = {}) {
  const prefix = testFolder();
  writeFileSync(join(prefix, 'nginx.conf'), `pid pids/nginx.pid;\n\nerror_log logs/error.log ${level};\n`);
  mkdirSync(join(prefix, 'logs'));
  const path = join(prefix, 'logs', 'error.log');
  const file = openSync(path, 'a');
  const program = `process.title = ${JSON.stringify(title)}; setInterval(() => {}, 1000); process.stdout.write('x')`;
  // Room for the title: it takes the place of the command line.
  const child = spawn(process.execPath, ['-e', program, 'x'.repeat(100)], {
    stdio: ['ignore', 'pipe', file],
  });
  closeSync(file);
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((done) => child.stdout?.once('data', done));
  return { prefix, path, worker: child.pid as number, text: () => readFileSync(path, 'utf8') };
}

it('gets a warning as nginx writes one, since Kong hides what its plugin servers say', async () => {
  const { prefix, worker, text } = await kong();
  kongErrorLog(prefix, worker)?.('warn', '{"message":"a source is down"}\n');
  expect(text()).toMatch(
    /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d \[warn\] \d+#0: \[ssl-cert-reloader:\d+\] \{"message":"a source is down"\}\n$/,
  );
});

test.for([
  ['crit', []],
  ['error', ['error']],
  ['warn', ['warn', 'error']],
  ['notice', ['warn', 'error']],
  // Kong shows what the process writes to its own standard error: nothing twice.
  ['info', []],
  ['debug', []],
] as const)('at level %s it gets %j', async ([level, shown]) => {
  const { prefix, worker, text } = await kong({ level });
  const log = kongErrorLog(prefix, worker);
  log?.('warn', 'one');
  log?.('error', 'two');
  expect([...text().matchAll(/\[(warn|error)\]/g)].map(([, its]) => its)).toEqual(shown);
});

it('is not of a process that no Kong started', async () => {
  const { prefix, worker } = await kong({ title: 'bash' });
  expect(kongErrorLog(prefix, worker)).toBeNull();
});

it('gets a line that is longer than nginx writes one in one piece, cut', async () => {
  const { prefix, worker, text } = await kong();
  kongErrorLog(prefix, worker)?.('warn', 'x'.repeat(100_000));
  kongErrorLog(prefix, worker)?.('warn', 'next');
  expect(
    text()
      .split('\n')
      .map((line) => line.length),
  ).toEqual([4_000, expect.any(Number), 0]);
});

it('is followed when logrotate moves it and nginx opens another', async () => {
  const { prefix, path, worker, text } = await kong();
  const log = kongErrorLog(prefix, worker);
  renameSync(path, `${path}.1`);
  log?.('warn', 'still where nginx writes');
  expect(readFileSync(`${path}.1`, 'utf8')).toContain('still where nginx writes');
  expect(() => text()).toThrow();
});

it('that cannot be opened is the journal’s business', async () => {
  const { prefix } = await kong();
  const bin = testFolder();
  const [said, devLog] = [join(bin, 'said'), join(bin, 'log')];
  writeFileSync(join(bin, 'logger'), `#!/bin/sh\necho "$@" > ${said}\n`);
  chmodSync(join(bin, 'logger'), 0o755);
  writeFileSync(devLog, '');
  vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`);
  onTestFinished(() => void vi.unstubAllEnvs());
  // A socket cannot be opened by its name in /proc either.
  const program = `process.title = ${JSON.stringify(WORKER)}; setInterval(() => {}, 1000); process.stdout.write('x')`;
  const child = spawn(process.execPath, ['-e', program, 'x'.repeat(100)], {
    stdio: ['ignore', 'pipe', 'ipc'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((done) => child.stdout?.once('data', done));
  kongErrorLog(prefix, child.pid, devLog)?.('error', 'the plugin server cannot start');
  const words = '-t ssl-cert-reloader -p daemon.err -- the plugin server cannot start';
  await eventually('it is said', () => readFileSync(said, 'utf8').includes(words));
});
