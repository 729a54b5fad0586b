import { appendFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startGateway, type SeedCertificate } from '../../gateway';
import { issue } from '../../support/bundles';
import { cli } from '../../support/cli';
import { testFolder, writePair } from '../../support/folders';
import { leafOf, servedLeaf } from '../../support/tls';

const [A, B, C] = ['a.example.test', 'b.example.test', 'c.example.test'] as const;
const LEFT = '0b0b0b0b-0000-4000-8000-000000000001';
const OURS = ['ssl-cert-reloader'];

const leaf = (names: readonly string[], ageMinutes: number) =>
  issue({ names: [...names], notBefore: new Date(Date.now() - ageMinutes * 60_000) });

/** A line of a pass's report. */
interface Row {
  kind: string;
  snis: string[];
  kept_snis?: string[];
  proof?: { verdict: string };
}

/** A Kong and a folder of certificates, of which passes are made. */
async function kongAndFolder(mode: 'database' | 'dbless', seeds: readonly SeedCertificate[] = []) {
  const gateway = await startGateway({ mode });
  onTestFinished(() => gateway.stop());
  gateway.seed(seeds);
  const certs = testFolder();
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `sources:\n- type: directory\n  path: ${certs}\n`);
  const args = ['-c', config, '-p', gateway.prefix];
  return {
    gateway,
    config,
    args,
    put: (name: string, pair: ReturnType<typeof leaf>) => writePair(certs, name, pair),
    drop: (name: string) => ['crt', 'key'].forEach((end) => rmSync(join(certs, `${name}.${end}`))),
    /** The lines of a pass's report. */
    sync: async () => {
      const { stdout } = await cli('sync', ...args, '--json');
      const [pass] = JSON.parse(stdout) as { events: Row[] }[];
      return (pass?.events ?? [])
        .map(({ kind, snis, kept_snis: kept = [], proof }) =>
          [kind, ...[...snis].sort(), proof?.verdict ?? '-', ...kept.map((name) => `(${name} stays)`)].join(
            ' ',
          ),
        )
        .sort();
    },
    names: () =>
      gateway
        .certificates()
        .map(({ names }) => [...names].sort().join(' '))
        .sort(),
    serves: async (name: string, pair: ReturnType<typeof leaf>) =>
      expect(await servedLeaf(gateway.tlsPort, name)).toBe(leafOf(pair.cert)),
  };
}

/** Looks all the time at what is served for names. @returns how to end it, and get what was served beside the pairs */
function watch(port: number, names: readonly string[], pairs: readonly ReturnType<typeof leaf>[]) {
  const wrong: string[] = [];
  let isOver = false;
  const looks = names.map(async (name) => {
    while (!isOver) {
      const served = await servedLeaf(port, name).catch(String);
      if (!pairs.some(({ cert }) => leafOf(cert) === served)) wrong.push(`${name}: ${served}`);
    }
  });
  return async () => {
    isOver = true;
    await Promise.all(looks);
    return wrong;
  };
}

/** A service shows the certificate that was left as a client. */
async function refer(adminUrl: string, mode: 'database' | 'dbless', pair: { cert: string; key: string }) {
  const service = { name: 'billing', host: 'up.example.test' };
  const [path, body] =
    mode === 'database'
      ? ['/services', { ...service, client_certificate: { id: LEFT } }]
      : [
          '/config',
          {
            _format_version: '3.0',
            services: [{ ...service, client_certificate: LEFT }],
            certificates: [{ id: LEFT, ...pair, tags: OURS }],
          },
        ];
  const answer = await fetch(adminUrl + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(201);
}

describe.each(['database', 'dbless'] as const)('one pass on a Kong in mode %s', (mode) => {
  it('tells of a renewal that lost a name what it has now, and that the name keeps the former', async () => {
    const kong = await kongAndFolder(mode);
    const [all, fewer] = [leaf([A, B, C], 60), leaf([A, B], 30)];
    kong.put('site', all);
    expect(await kong.sync()).toEqual([`created ${A} ${B} ${C} served`]);
    kong.put('site', fewer);
    const planned = await cli('plan', ...kong.args);
    expect(planned.stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /; c\.example\.test keeps its former certificate until \d{4}-/,
    );
    expect(await kong.sync()).toEqual([`swapped ${A} ${B} served (${C} stays)`]);
    await kong.serves(C, all);
    await kong.serves(A, fewer);
    expect(await kong.sync()).toEqual([]);
  });

  it('divides a certificate of ours, and leaves nothing behind', async () => {
    const kong = await kongAndFolder(mode);
    const [both, a, b] = [leaf([A, B], 60), leaf([A], 30), leaf([B], 29)];
    kong.put('both', both);
    await kong.sync();
    kong.drop('both');
    kong.put('a', a);
    kong.put('b', b);
    const planned = await cli('plan', ...kong.args);
    expect(planned.stdout).toMatch(/its names move here/);
    const end = watch(kong.gateway.tlsPort, [A, B], [both, a, b]);
    expect(await kong.sync()).toEqual([`created ${A} served`, `created ${B} served`, `removed ${A} ${B} -`]);
    expect(await end()).toEqual([]);
    await kong.serves(A, a);
    await kong.serves(B, b);
    expect(kong.names()).toEqual([A, B]);
    expect(await kong.sync()).toEqual([]);
  });

  it('lets two certificates of ours change their names, and leaves nothing behind', async () => {
    const kong = await kongAndFolder(mode);
    const [a, b, nextB, nextA] = [leaf([A], 60), leaf([B], 60), leaf([B], 30), leaf([A], 29)];
    kong.put('one', a);
    kong.put('two', b);
    await kong.sync();
    kong.put('one', nextB);
    kong.put('two', nextA);
    const end = watch(kong.gateway.tlsPort, [A, B], [a, b, nextA, nextB]);
    const told = await kong.sync();
    expect(told.filter((row) => !row.startsWith('removed'))).toEqual([
      `swapped ${A} served`,
      `swapped ${B} served`,
    ]);
    expect(await end()).toEqual([]);
    await kong.serves(A, nextA);
    await kong.serves(B, nextB);
    expect(kong.names()).toEqual([A, B]);
    expect(await kong.sync()).toEqual([]);
  });

  it('says that a certificate made by hand has no SNI for a name, and adds it where add_names says so', async () => {
    const [one, two, three] = [leaf([A], 60), leaf([A, B], 30), leaf([A, B, C], 20)];
    const kong = await kongAndFolder(mode, [{ id: LEFT, cert: one.chain, key: one.key, snis: [A] }]);
    kong.put('site', two);
    expect((await cli('plan', ...kong.args)).stdout).toMatch(/^note .*has no SNI for b\.example\.test/m);
    expect(await kong.sync()).toEqual([`swapped ${A} served`]);
    expect(kong.names()).toEqual([A]);
    expect((await cli('plan', ...kong.args)).stdout).toMatch(/^note .*set add_names/m);
    appendFileSync(kong.config, 'add_names: true\n');
    // The pair is in place already; then with a renewal that gains one more.
    expect(await kong.sync()).toEqual([`swapped ${A} ${B} served`]);
    await kong.serves(B, two);
    kong.put('site', three);
    expect(await kong.sync()).toEqual([`swapped ${A} ${B} ${C} served`]);
    await kong.serves(C, three);
    expect(kong.names()).toEqual([`${A} ${B} ${C}`]);
    expect(await kong.sync()).toEqual([]);
  });

  it.each([
    ['removes one of ours without a name that an earlier process left', OURS, false],
    ['leaves one of ours without a name that a service shows as a client', OURS, true],
    ['leaves one without a name that somebody else made', ['team-a'], false],
  ])('%s', async (_, tags, isClients) => {
    const old = leaf([B], 60);
    const kong = await kongAndFolder(mode, [{ id: LEFT, cert: old.chain, key: old.key, snis: [], tags }]);
    if (isClients) await refer(kong.gateway.adminUrl, mode, { cert: old.chain, key: old.key });
    kong.put('a', leaf([A], 30));
    const isRemoved = tags === OURS && !isClients;
    expect(await kong.sync()).toEqual([`created ${A} served`, ...(isRemoved ? [`removed ${B} -`] : [])]);
    expect(kong.names()).toEqual([...(isRemoved ? [] : ['']), A]);
    expect(await kong.sync()).toEqual([]);
  });
});
