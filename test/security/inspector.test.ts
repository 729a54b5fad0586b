import { spawn } from 'node:child_process';
import { expect, it, onTestFinished } from 'vitest';
import { Command, start } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';

it('SIGUSR1 opens no inspector in a daemon, as it does in other programs of Node.js', async () => {
  const daemon = start(['run', '-p', testFolder()]);
  await eventually('it looks for Kong', () => daemon.stderr.includes('waiting for Kong'));
  const other = spawn(process.execPath, ['-e', 'process.stdout.write("up"); setInterval(() => {}, 1000)']);
  onTestFinished(() => void other.kill('SIGKILL'));
  const control = new Command(other);
  await eventually('the other one is up', () => control.stdout === 'up');
  daemon.child.kill('SIGUSR1');
  other.kill('SIGUSR1');
  // Also where its port is taken, it says so.
  await eventually('the other one reacts', () => /debugger|inspector/i.test(control.stderr));
  daemon.child.kill('SIGTERM');
  const { code, stderr } = await daemon.ended;
  expect(code).toBe(0);
  expect(stderr).not.toMatch(/debugger|inspector/i);
});
