import { execFileSync } from 'node:child_process';
import { resolve, join } from 'node:path';
import { expect, it } from 'vitest';
import { printProgram, writePrintProgram } from '../../../src/plugin-server/print-program';
import { testFolder } from '../../support/folders';

const isRunnable = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
const run = (path: string) => execFileSync(path, { env: {}, maxBuffer: 16 * 1024 * 1024, encoding: 'utf8' });

it.runIf(isRunnable)('prints a text that is longer than a pipe takes, with an empty environment', () => {
  const path = join(testFolder(), 'query');
  const text = `${'x'.repeat(300_000)}é\n`;
  writePrintProgram(path, text);
  expect(run(path)).toBe(text);
});

it.runIf(isRunnable)('is what -dump -o writes', () => {
  const built = resolve('dist/ssl-cert-reloader.cjs');
  const path = join(testFolder(), 'query');
  execFileSync(process.execPath, [built, '-dump', '-o', path]);
  expect(run(path)).toBe(execFileSync(process.execPath, [built, '-dump'], { encoding: 'utf8' }));
});

it.for(['x64', 'arm64'] as const)('is an executable for %s with the text at its end', (arch) => {
  const program = printProgram('[]\n', arch);
  expect(program.subarray(0, 4).toString('latin1')).toBe('\x7fELF');
  expect(program.readUInt16LE(18)).toBe({ x64: 62, arm64: 183 }[arch]);
  expect(program.subarray(-3).toString()).toBe('[]\n');
});

it('cannot be made for other machines, and says so', () => {
  expect(() => printProgram('', 'riscv64')).toThrow('no program can be made for riscv64');
});
