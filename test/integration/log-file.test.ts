import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { admin, enablePlugin } from '../scenarios/kong';
import { issue, secretsIn } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { standIn } from './stand-in';

it('log.file has every line of an entry, is opened anew after a rotation, and a bad one stops nothing', async () => {
  const [certs, logs] = [testFolder(), testFolder()];
  const file = join(logs, 'reloader.log');
  const kong = await standIn({ mode: 'database' });
  onTestFinished(() => kong.stop());
  const sources = [{ type: 'directory', path: certs }];
  const other = issue();
  writePair(certs, 'www', { chain: issue().chain, key: other.key });
  const id = await enablePlugin(kong, { sources, log: { file } });
  const said = (text: string) =>
    eventually(`the file has: ${text}`, () => existsSync(file) && readFileSync(file, 'utf8').includes(text));

  await said('bundle refused');
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((text) => text.includes('bundle refused'));
  expect(JSON.parse(line ?? '')).toMatchObject({ level: 'warn', entry: id, reason: 'key_mismatch' });
  for (const secret of secretsIn(other.key)) expect(readFileSync(file, 'utf8')).not.toContain(secret);

  renameSync(file, `${file}.1`);
  writePair(certs, 'www', other);
  await eventually('it is created', () =>
    kong.log().some(({ message }) => message === 'certificate created'),
  );
  // Lines within a second of the rotation still go to the old file.
  await eventually('the file is there again', async () => {
    if (existsSync(file)) return true;
    await admin(kong, 'PATCH', `/plugins/${id}`, { config: { trigger: String(Math.random()) } });
    writePair(certs, 'www', issue());
    return false;
  });
  await said('certificate swapped');

  // Nothing can be written there, and the next renewal is swapped all the same.
  await admin(kong, 'PATCH', `/plugins/${id}`, { config: { sources, log: { file: '/dev/full' } } });
  await eventually('it is said on stderr', () => kong.output().includes('the log file cannot be written'));
  const last = issue();
  writePair(certs, 'www', last);
  await eventually(
    'it is served',
    async () => (await servedLeaf(kong.tlsPort, 'www.example.test')) === leafOf(last.cert),
  );
});
