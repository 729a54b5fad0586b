import { execFile, execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { issue } from '../../../support/bundles';
import { testFolder, writePair } from '../../../support/folders';

/** Reads everything below a folder, in a process of its own: what hangs there can be ended. */
const PROGRAM = `
  import { DirectorySource } from './src/sources/directory/source';
  import { PasswordFile } from './src/sources/password';
  import { UnlockedSource } from './src/sources/unlocked';
  const folder = process.argv[2];
  const passwords = new PasswordFile(folder + '/pipe.pem');
  const source = new UnlockedSource(new DirectorySource(folder, true), { passwords });
  source.scan().then(async ({ changed }) => {
    for (const name of changed) await source.read(name);
    process.stdout.write('read');
  });
`;

it('a named pipe among the files, or where the password should be, does not stop the process', async () => {
  const folder = testFolder();
  writePair(folder, 'www', issue());
  execFileSync('mkfifo', [join(folder, 'pipe.pem')]);
  const program = join(testFolder(), 'read.cjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: resolve(__dirname, '../../../..'), loader: 'ts' },
    bundle: true,
    platform: 'node',
    outfile: program,
  });
  const run = promisify(execFile)(process.execPath, [program, folder], {
    timeout: 60_000,
    killSignal: 'SIGKILL',
  }).catch(() => ({ stdout: 'it hung' }));
  expect((await run).stdout).toBe('read');
});
