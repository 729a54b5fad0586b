import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { startGateway, type Mode } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'www.example.test';
const renewed = (key: 'rsa-2048' | 'p256', age: number) =>
  issue({ names: [HOST], key, notBefore: new Date(Date.now() - age * 60_000) });

async function following(mode: Mode) {
  const gateway = await startGateway({ mode });
  onTestFinished(() => gateway.stop());
  const certs = testFolder();
  const config = completeConfig({ sources: [{ type: 'directory', path: certs }], verify: { timeout: 3 } });
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const runner = compose(config, kong);
  return { gateway, runner, certs };
}

it.for(['dbless', 'database'] as const)(
  'a second half that is not served is removed again, and the first half stays (%s)',
  async (mode) => {
    const { gateway, runner, certs } = await following(mode);
    const ec = renewed('p256', 60);
    writePair(certs, 'www', ec);
    await runner.pass('start');
    gateway.freezeServing();
    const rsa = renewed('rsa-2048', 30);
    writePair(certs, 'www-rsa', rsa);
    const { events } = await runner.pass('poll');
    expect(events[0]?.outcome).toMatchObject({ kind: 'rolled_back', restored: true });
    expect(gateway.certificates()).toMatchObject([{ cert_alt: null, key_alt: null, names: [HOST] }]);
    gateway.unfreeze();
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(ec.cert));
    await runner.pass('trigger');
    expect(await servedLeaf(gateway.tlsPort, HOST, 'rsa')).toBe(leafOf(rsa.cert));
  },
);

it.for(['dbless', 'database'] as const)(
  'a certificate that was created for twins and is not served is removed whole (%s)',
  async (mode) => {
    const { gateway, runner, certs } = await following(mode);
    writePair(certs, 'www', renewed('p256', 60));
    writePair(certs, 'www-rsa', renewed('rsa-2048', 30));
    gateway.freezeServing(HOST);
    const { events } = await runner.pass('start');
    expect(events.filter(({ outcome }) => outcome.kind === 'rolled_back')).toHaveLength(2);
    expect(gateway.certificates()).toEqual([]);
  },
);

it('without a database twins are created with one post', async () => {
  const { gateway, runner, certs } = await following('dbless');
  writePair(certs, 'www', renewed('p256', 60));
  writePair(certs, 'www-rsa', renewed('rsa-2048', 30));
  await runner.pass('start');
  expect(gateway.requests.filter(({ method }) => method === 'POST')).toHaveLength(1);
  expect(gateway.certificates()).toHaveLength(1);
});

it.for(['dbless', 'database'] as const)(
  'a pair that does not match keeps only its own half out (%s)',
  async (mode) => {
    const { gateway, runner, certs } = await following(mode);
    const ec = renewed('p256', 60);
    writePair(certs, 'www', ec);
    writePair(certs, 'www-rsa', { chain: renewed('rsa-2048', 30).chain, key: renewed('rsa-2048', 30).key });
    await runner.pass('start');
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(ec.cert));
    expect(gateway.certificates()).toMatchObject([{ cert_alt: null }]);
  },
);

type Pair = ReturnType<typeof renewed>;

/** certbot with two lineages: `live` holds links into `archive`. */
function asCertbot(folder: string, lineage: string, { chain, key }: Pair) {
  for (const place of ['archive', 'live']) mkdirSync(join(folder, place, lineage), { recursive: true });
  for (const [name, text] of Object.entries({ fullchain: chain, privkey: key })) {
    writeFileSync(join(folder, 'archive', lineage, `${name}1.pem`), text);
    symlinkSync(`../../archive/${lineage}/${name}1.pem`, join(folder, 'live', lineage, `${name}.pem`));
  }
}

/** acme.sh: a folder for each type of key, with the domain's files in it. */
function asAcmeSh(folder: string, name: string, { cert, chain, key }: Pair) {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'fullchain.cer'), chain);
  writeFileSync(join(folder, name, `${HOST}.cer`), cert);
  writeFileSync(join(folder, name, 'ca.cer'), chain.slice(cert.length));
  writeFileSync(join(folder, name, `${HOST}.key`), key);
}

it.for([
  ['certbot', asCertbot, 'live', HOST, `${HOST}-0001`],
  ['acme.sh', asAcmeSh, '', HOST, `${HOST}_ecc`],
] as const)('twins as %s puts them down are one certificate', async ([, write, below, first, second]) => {
  const gateway = await startGateway({ mode: 'database' });
  onTestFinished(() => gateway.stop());
  const folder = testFolder();
  const [rsa, ec] = [renewed('rsa-2048', 60), renewed('p256', 50)];
  write(folder, first, rsa);
  write(folder, second, ec);
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const config = completeConfig({ sources: [{ type: 'directory', path: join(folder, below) }] });
  const report = await compose(config, kong).pass('start');
  expect(report.events.map(({ outcome }) => outcome)).toMatchObject([
    { kind: 'swapped', proof: { verdict: 'served' } },
    { kind: 'swapped', proof: { verdict: 'served' } },
  ]);
  expect(gateway.certificates()).toHaveLength(1);
  expect(await servedLeaf(gateway.tlsPort, HOST, 'rsa')).toBe(leafOf(rsa.cert));
  expect(await servedLeaf(gateway.tlsPort, HOST, 'ec')).toBe(leafOf(ec.cert));
});
