import { describe, expect, it, onTestFinished } from 'vitest';
import { DeclarativeGateway } from '../../src/gateway';
import { changeId, type Change, type PemPair } from '../../src/model';
import { startGateway } from '../gateway';
import { clientOf } from '../support/admin';
import { issue, opened, rawOf } from '../support/bundles';
import { leafOf, servedLeaf } from '../support/tls';

const NAMES = ['a.test', 'b.test', 'c.test', 'd.test'];
const idOf = (name: string) => (name[0] ?? '').repeat(8) + '-1111-4111-8111-111111111111';
const aged = (name: string, minutes: number) =>
  issue({ names: [name], notBefore: new Date(Date.now() - minutes * 60_000) });

/** A gateway without a database with four certificates, and a renewal for each. */
async function renewing() {
  const gateway = await startGateway({ mode: 'dbless' });
  onTestFinished(() => gateway.stop());
  const old = NAMES.map((name) => aged(name, 60));
  const configOf = (names: readonly string[]) => ({
    _format_version: '3.0',
    certificates: names.map((name) => {
      const { chain, key } = old[NAMES.indexOf(name)] as (typeof old)[number];
      return { id: idOf(name), cert: chain, key, snis: [{ name }] };
    }),
  });
  const post = async (names: readonly string[]) => {
    const body = JSON.stringify({ config: JSON.stringify(configOf(names)) });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(`${gateway.adminUrl}/config`, { method: 'POST', body, headers });
    expect(answer.status).toBe(201);
  };
  await post(NAMES);
  const kong = new DeclarativeGateway(clientOf(gateway.adminUrl));
  await kong.certificates.refresh();
  const fresh = new Map<string, PemPair & { leaf: string }>();
  const changes = NAMES.map((name): Change => {
    const renewed = aged(name, 10);
    const certificate = kong.certificates.stored.get(idOf(name));
    if (certificate === undefined) throw new Error(`${name} is not there`);
    fresh.set(certificate.id, { cert: renewed.chain, key: renewed.key, leaf: renewed.cert });
    const bundle = { ...opened(rawOf(renewed)).bundle, id: name, create: false };
    return { kind: 'update', bundle, certificate, half: 'main', isOfController: false, addSnis: [] };
  });
  const write = async () => {
    const edits = { certificates: changes, caCertificates: [] };
    const results = await kong.write(edits, (change) =>
      Promise.resolve(fresh.get(changeId(change)) as PemPair),
    );
    return Object.fromEntries(results.certificates.map(({ kind, change }) => [change.bundle.id, kind]));
  };
  const isServed = async (name: string) =>
    (await servedLeaf(gateway.tlsPort, name)) === leafOf(fresh.get(idOf(name))?.leaf ?? '');
  return { gateway, post, write, isServed, kong };
}

describe('of several certificates that are written together without a database', () => {
  it('one that somebody removed meanwhile does not hold the others back', async () => {
    const { post, write, isServed } = await renewing();
    await post(NAMES.slice(1));
    expect(await write()).toEqual({
      'a.test': 'conflict',
      'b.test': 'written',
      'c.test': 'written',
      'd.test': 'written',
    });
    expect(await isServed('d.test')).toBe(true);
  });

  it('changes that succeeded are reported as written although the rest failed', async () => {
    const { gateway, write, isServed } = await renewing();
    // It does not say which one it minds, so halves are tried; the second comes to nothing.
    gateway.inject({ method: 'POST', path: /^\/config/, status: 400, body: { message: 'no' } });
    gateway.beforePost(() => {
      gateway.inject({ method: 'POST', path: /^\/config/, status: 413, times: Infinity, body: '<html>' });
    });
    expect(await write()).toEqual({
      'a.test': 'written',
      'b.test': 'written',
      'c.test': 'failed',
      'd.test': 'failed',
    });
    expect(await isServed('a.test')).toBe(true);
    expect(await isServed('c.test')).toBe(false);
  });

  it('all count as written where Kong cannot be asked afterwards what it has', async () => {
    const { gateway, write, isServed, kong } = await renewing();
    let free = () => {};
    gateway.beforePost(() => {
      free = gateway.inject({ method: 'GET', reset: true, times: Infinity });
    });
    expect(new Set(Object.values(await write()))).toEqual(new Set(['written']));
    free();
    expect(await isServed('a.test')).toBe(true);
    expect(await kong.certificates.refresh()).toBe(true);
    expect(await kong.certificates.refresh()).toBe(false);
  });

  it('are known afterwards without being read again', async () => {
    const { gateway, write, kong } = await renewing();
    gateway.clearRequests();
    expect(new Set(Object.values(await write()))).toEqual(new Set(['written']));
    expect(gateway.requests.filter(({ path }) => path.startsWith('/certificates'))).toEqual([]);
    const known = [...kong.certificates.stored.values()];
    const fresh = new DeclarativeGateway(clientOf(gateway.adminUrl)).certificates;
    await fresh.refresh();
    expect(known).toEqual([...fresh.stored.values()]);
    expect(await kong.certificates.refresh()).toBe(false);
  });
});
