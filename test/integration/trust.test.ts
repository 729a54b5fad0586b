import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { load } from 'js-yaml';
import { connect, type Connection } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { Authority } from '../../src/authority/authority';
import { completeConfig } from '../../src/app/config';
import { Passes } from '../../src/pass';
import { FileSource } from '../../src/sources';
import { OUR_TAG } from '../../src/gateway';
import { Trust } from '../../src/trust';
import { startGateway, type Mode } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { eventsOf } from '../support/stages';
import { leafOf, servedLeaf } from '../support/tls';

const nameOf = (pem: string) => /CN=(.*)/.exec(new X509Certificate(pem).subject)?.[1];
const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

async function trusting(mode: Mode, more: object = {}, declarativeConfig?: string) {
  const gateway = await startGateway({
    mode,
    ...(declarativeConfig === undefined ? {} : { declarativeConfig }),
  });
  onTestFinished(() => gateway.stop());
  const folder = testFolder();
  const bundle = join(folder, 'cas.pem');
  const certs = testFolder();
  const config = completeConfig({
    sources: [
      { type: 'file', cert: bundle, trust: true },
      { type: 'directory', path: certs },
    ],
    ...more,
  });
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const write = (...pems: string[]) => {
    writeFileSync(`${bundle}.new`, pems.join(''));
    renameSync(`${bundle}.new`, bundle);
  };
  const runner = compose(config, kong);
  const trusted = () => gateway.entities('ca_certificates').map(({ cert }) => nameOf(cert as string));
  const writes = () => gateway.requests.filter(({ method }) => method !== 'GET');
  return { gateway, kong, bundle, certs, write, runner, trusted, writes };
}

const trustIn = (kong: Connection, source: FileSource, now: () => number = Date.now) =>
  new Trust({ sources: [source], gateway: kong.open(), allowDowngrade: false, tag: OUR_TAG, now });

describe.for(['dbless', 'database'] as const)('what Kong trusts (%s)', (mode) => {
  it('follows a bundle: created, renewed in place, refused where it is no CA', async () => {
    const { gateway, runner, trusted, write, writes } = await trusting(mode);
    const a = Authority.root('A', { notBefore: daysAgo(30) });
    const b = Authority.root('B');
    write(a.cert, b.cert, a.issue({ names: ['www.example.test'] }).cert);
    const first = await runner.pass('start');
    expect(trusted().sort()).toEqual(['A', 'B']);
    expect(
      eventsOf(first)
        .map((line) => line.replace(/^\S+: /, ''))
        .sort(),
    ).toEqual(['created (not proven)', 'created (not proven)', 'refused as not_a_ca']);
    const ids = gateway.entities('ca_certificates').map(({ id }) => id);

    gateway.clearRequests();
    expect((await runner.pass('poll')).events).toEqual([]);
    expect(writes()).toEqual([]);

    write(Authority.root('A', { key: a.privateKey, notBefore: daysAgo(1) }).cert, Authority.root('B').cert);
    const next = await runner.pass('poll');
    expect(eventsOf(next).filter((line) => line.includes('swapped'))).toHaveLength(2);
    expect(gateway.entities('ca_certificates').map(({ id }) => id)).toEqual(ids);
    expect(trusted().sort()).toEqual(['A', 'B']);
    const digests = gateway
      .entities('ca_certificates')
      .map((row) => [
        row['cert_digest'],
        new X509Certificate(row['cert'] as string).fingerprint256.replaceAll(':', '').toLowerCase(),
      ]);
    for (const [said, real] of digests) expect(said).toBe(real);
  });

  it('stays known where Kong does not let it be read; certificates go on', async () => {
    const { gateway, runner, certs, write, trusted } = await trusting(mode);
    write(Authority.root('A').cert);
    writePair(certs, 'www', issue());
    gateway.inject({ method: 'GET', path: /^\/ca_certificates/, status: 403, times: 2 });
    const first = await runner.pass('start');
    expect(first.unfinished).toBe('failed');
    expect(first.sourceErrors.map(({ refusal }) => refusal.message)).toEqual([
      expect.stringMatching(/^what Kong trusts cannot be read: .*\/ca_certificates.* 403/),
    ]);
    expect(eventsOf(first)).toEqual(['www.crt: created (served)']);
    expect((await runner.pass('retry')).sourceErrors).toEqual([]);
    expect((await runner.pass('retry')).unfinished).toBe('no');
    expect(trusted()).toEqual(['A']);
  });

  it('logs once what Kong refuses, and not again under another name', async () => {
    const { gateway, runner, write } = await trusting(mode);
    write(Authority.root('A').cert);
    gateway.inject({ method: mode === 'dbless' ? 'POST' : 'PUT', status: 400, body: { message: 'no' } });
    expect(eventsOf(await runner.pass('start'))).toEqual([expect.stringContaining('refused_by_kong')]);
    expect(eventsOf(await runner.pass('poll'))).toEqual([]);
  });

  it('changes nothing in a dry run', async () => {
    const { runner, trusted, write } = await trusting(mode, { mode: 'observe' });
    write(Authority.root('A').cert);
    const { events } = await runner.pass('start');
    expect(events).toMatchObject([{ isTrust: true, outcome: { kind: 'would_change', created: true } }]);
    expect(trusted()).toEqual([]);
    expect((await runner.pass('poll')).events).toEqual([]);
  });

  it('changes nothing while another gateway leads', async () => {
    const { kong, bundle, trusted, write } = await trusting(mode);
    let isLeader = false;
    const source = new FileSource(bundle, null, false);
    const trust = trustIn(kong, source);
    const passes = passesOver(trust, { mayWrite: () => isLeader });
    write(Authority.root('A').cert);
    for (const leads of [false, true]) {
      isLeader = leads;
      await passes.run('trigger');
      expect(trusted()).toEqual(leads ? ['A'] : []);
    }
  });

  it.for([
    ['empty', () => ''],
    ['cut off inside a certificate', (pem: string) => pem.slice(0, pem.length - 40)],
    ['something else', () => 'not a certificate\n'],
  ] as const)('stays where its file is %s', async ([, broken]) => {
    const { gateway, kong, bundle, trusted, write } = await trusting(mode);
    const clock = { now: Date.now() };
    const source = new FileSource(bundle, null, false);
    const now = () => clock.now;
    const passes = passesOver(trustIn(kong, source, now), { now });
    const pass = async () => {
      await passes.run('poll');
      clock.now += 120_000;
    };
    const pair = [Authority.root('A').cert, Authority.root('B').cert];
    write(...pair);
    await pass();
    write(broken(pair.join('')));
    for (let look = 0; look < 3; look++) await pass();
    expect(trusted().sort()).toEqual(['A', 'B']);
    expect(gateway.requests.filter(({ method }) => method === 'DELETE')).toEqual([]);
  });

  it('loses a CA that has been out of the bundle for a while, unless something in Kong names it', async () => {
    const { gateway, kong, bundle, trusted, write } = await trusting(mode);
    const clock = { now: Date.now() };
    const source = new FileSource(bundle, null, false);
    const now = () => clock.now;
    const passes = passesOver(trustIn(kong, source, now), { now });
    const pass = () => passes.run('poll');
    const [a, b, c] = ['A', 'B', 'C'].map((name) => Authority.root(name).cert) as [string, string, string];
    write(a, b, c);
    await pass();
    const idOfB = gateway.entities('ca_certificates').find((row) => row['cert'] === b)?.id ?? '';
    await refer(gateway.adminUrl, mode, idOfB);

    write(a);
    await pass();
    expect(trusted().sort(), 'it may only be a file that is being written').toEqual(['A', 'B', 'C']);
    clock.now += 120_000;
    const { events } = await pass();
    expect(trusted().sort()).toEqual(['A', 'B']);
    expect(events.map(({ outcome }) => outcome)).toMatchObject([
      { kind: 'removed' },
      { kind: 'refused', refusal: { reason: 'still_referenced' } },
    ]);
    expect((await pass()).events).toEqual([]);
  });
});

it('without a database, CAs and certificates that changed together take one post', async () => {
  const { gateway, runner, trusted, write, writes, certs } = await trusting('dbless');
  write(Authority.root('A').cert);
  writePair(certs, 'www', issue({ notBefore: daysAgo(9) }));
  await runner.pass('start');
  const next = issue({ notBefore: daysAgo(1) });
  writePair(certs, 'www', next);
  write(Authority.root('A').cert, Authority.root('B').cert);
  gateway.clearRequests();
  await runner.pass('poll');
  expect(writes()).toHaveLength(1);
  expect(trusted().sort()).toEqual(['A', 'B']);
  expect(await servedLeaf(gateway.tlsPort, 'www.example.test')).toBe(leafOf(next.cert));
});

it('a CA that Kong refuses does not hold a certificate back', async () => {
  const { gateway, runner, trusted, write, certs } = await trusting('dbless');
  gateway.inject({
    ...{ method: 'POST', path: /^\/config/, times: 1, status: 400 },
    body: { message: 'declarative config is invalid' },
  });
  const pair = issue();
  writePair(certs, 'www', pair);
  write(Authority.root('A').cert);
  await runner.pass('start');
  expect(await servedLeaf(gateway.tlsPort, 'www.example.test')).toBe(leafOf(pair.cert));
  expect(trusted()).toEqual(['A']);
});

/** Passes that look after what Kong trusts, and nothing else. */
const passesOver = (trust: Trust, more: { mayWrite?: () => boolean; now?: () => number }) =>
  new Passes({ ...more, steps: [trust.scan, trust.write], observe: false });

/** Has a service name a CA certificate. */
async function refer(adminUrl: string, mode: Mode, id: string): Promise<void> {
  const service = { name: 'upstream', host: 'upstream.test', ca_certificates: [id] };
  const headers = { 'content-type': 'application/json' };
  if (mode === 'database') {
    await fetch(`${adminUrl}/services`, { method: 'POST', headers, body: JSON.stringify(service) });
    return;
  }
  const exported = (await (await fetch(`${adminUrl}/config`)).json()) as { config: string };
  const config = JSON.stringify({ ...(load(exported.config) as object), services: [service] });
  const { status } = await fetch(`${adminUrl}/config`, {
    method: 'POST',
    headers,
    body: JSON.stringify({ config }),
  });
  expect(status).toBe(201);
}
