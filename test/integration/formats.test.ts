import { chmodSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { enablePlugin } from '../scenarios/kong';
import { toBer } from '../support/ber';
import { blocksOf, derOf, secretsIn } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { jks, p12, PASSWORD, rsaIssuer } from '../support/format-files';
import { leafOf, servedLeaf } from '../support/tls';
import { standIn } from './stand-in';

const HOST = 'www.example.test';
const issuer = rsaIssuer();
const leaf = (ageMinutes: number) =>
  issuer.issue({ names: [HOST], key: 'rsa-2048', notBefore: new Date(Date.now() - ageMinutes * 60_000) });

it('keystores of every kind are swapped in by the real server, and a bad one never is', async () => {
  const folder = testFolder();
  const certs = testFolder();
  const write = (name: string, content: string | Buffer, mode = 0o600) => {
    writeFileSync(join(folder, 'new'), content);
    chmodSync(join(folder, 'new'), mode);
    renameSync(join(folder, 'new'), join(certs, name));
  };
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, `${PASSWORD}\n`, { mode: 0o600 });
  const kong = await standIn({ mode: 'database' });
  onTestFinished(() => kong.stop());
  const isServed = (what: string, pair: { cert: string }) =>
    eventually(`${what} is served`, async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(pair.cert));
  const logged = (message: string) => kong.log().filter((line) => line.message === message);

  const [first, second, third, fourth] = [leaf(60), leaf(50), leaf(40), leaf(30)];
  write('www.p12', p12(first.chain, first.key, 'aes256'));
  await enablePlugin(kong, {
    interval: 1,
    sources: [{ type: 'directory', path: certs, password_file: passwordFile }],
  });
  await isServed('the PKCS#12 file', first);

  // Open lengths: what node-forge is loaded for.
  write('www.p12', toBer(p12(second.chain, second.key, '3des')));
  await isServed('the renewed PKCS#12 file', second);

  // Cut off, then of another password: the last good one stays.
  write('www.p12', p12(third.chain, third.key, 'aes128').subarray(0, 900));
  await eventually(
    'it is refused',
    () => logged('bundle refused; the last good certificate keeps serving')[0],
  );
  writeFileSync(passwordFile, 'something else');
  write('www.p12', p12(third.chain, third.key, 'aes128'));
  const refusal = () =>
    logged('bundle refused; the last good certificate keeps serving').find(
      ({ reason }) => reason === 'encrypted_key',
    );
  await eventually('the password is wrong', refusal);
  expect(refusal()?.['detail']).toMatch(/www\.p12 looks like PKCS#12: the password is wrong/);
  expect(await servedLeaf(kong.tlsPort, HOST)).toBe(leafOf(second.cert));
  writeFileSync(passwordFile, PASSWORD);
  await isServed('what the right password opens', third);

  // The same pair in another format is no change.
  const swaps = () => logged('certificate swapped').length + logged('certificate created').length;
  await eventually('three swaps are logged', () => swaps() === 3);
  const java = (pair: typeof third) =>
    jks([{ alias: 'www', key: derOf(pair.key), chain: blocksOf(pair.chain).map(derOf) }]);
  rmSync(join(certs, 'www.p12'));
  write('www.jks', java(third));
  write('www.crt', third.chain);
  write('www.key', third.key, 0o644);
  await eventually('the open key file is warned about', () => logged('a key is not protected')[0]);
  expect(swaps()).toBe(3);
  rmSync(join(certs, 'www.crt'));
  rmSync(join(certs, 'www.key'));
  write('www.jks', java(fourth));
  await isServed('the Java keystore', fourth);
  expect(logged('a key is not protected')).toHaveLength(1);

  for (const secret of [
    PASSWORD,
    'something else',
    ...[first, second, third, fourth].flatMap((pair) => secretsIn(pair.key)),
  ]) {
    expect(kong.output()).not.toContain(secret);
  }
});
