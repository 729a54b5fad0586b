import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { completeConfig, type Config } from '../../src/app/config';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { startGateway, type Gateway, type Mode } from '../gateway';
import type { Issued } from '../../src/authority/authority';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { describeWithCluster } from './suite';

const HOST = 'shop.example.test';
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000);
const renewed = (minutes: number) => issue({ names: [HOST], notBefore: minutesAgo(minutes) });

/** The certificate that the ingress controller would have written for a Secret. */
interface Written {
  uid: string;
  pair: Issued;
  tags: string[];
}

describeWithCluster('a certificate of the ingress controller', (cluster) => {
  let made = 0;

  async function secret(
    pair: Issued,
    where = `ownership-${++made}`,
  ): Promise<{ where: string; uid: string }> {
    await cluster().createNamespace(where);
    const { metadata } = await cluster().applySecret(where, 'www', { cert: pair.chain, key: pair.key });
    return { where, uid: metadata.uid ?? '' };
  }

  async function kong(mode: Mode, { uid, pair, tags }: Written): Promise<Gateway> {
    const row = { id: uid, cert: pair.chain.trim(), key: pair.key.trim(), tags, snis: [{ name: HOST }] };
    const gateway = await startGateway(
      mode === 'dbless'
        ? { mode, declarativeConfig: `${JSON.stringify({ _format_version: '3.0', certificates: [row] })}\n` }
        : { mode, prefix: mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-ownership-')) },
    );
    onTestFinished(() => gateway.stop());
    if (mode === 'database') {
      const body = JSON.stringify({ ...row, snis: [HOST] });
      const headers = { 'content-type': 'application/json' };
      const { status } = await fetch(`${gateway.adminUrl}/certificates`, { method: 'POST', body, headers });
      expect(status).toBe(201);
    }
    return gateway;
  }

  async function reloader(gateway: Gateway, where: string, more: Partial<Config>) {
    const kubeconfig = cluster().kubeconfig(join(testFolder(), 'kubeconfig'));
    const config = completeConfig({
      sources: [{ type: 'kubernetes', namespaces: [where], kubeconfig, create: false }],
      ...more,
    });
    const connection = await connect({ prefix: gateway.prefix }, {});
    const composed = compose(config, connection);
    onTestFinished(() => {
      connection.client.close();
      composed.close();
    });
    return composed;
  }

  const stored = async (gateway: Gateway, uid: string) => {
    const response = await fetch(`${gateway.adminUrl}/certificates/${uid}`);
    return (await response.json()) as { cert: string; key: string; tags: string[]; snis: string[] };
  };

  it.for(['dbless', 'database'] as const)('gets what its Secret holds after the grace (%s)', async (mode) => {
    const old = renewed(60);
    const { where, uid } = await secret(old);
    const tags = ['managed-by-ingress-controller', `k8s-namespace:${where}`, 'k8s-name:www'];
    const gateway = await kong(mode, { uid, pair: old, tags });
    const runner = await reloader(gateway, where, { takeover_grace: 1 });
    expect(await runner.pass('start')).toMatchObject({ inSync: 1, events: [] });

    const pair = renewed(1);
    await secret(pair, where);
    const waiting = await eventually('it is seen', async () => {
      const report = await runner.pass('poll');
      return report.nextAt === null ? null : report;
    });
    expect(waiting.events).toEqual([]);
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(old.cert));

    await eventually('the grace is over', async () => {
      await runner.pass('poll');
      return (await servedLeaf(gateway.tlsPort, HOST)) === leafOf(pair.cert);
    });
    // The entity equals one that the controller would have written, so it sees no difference.
    const entity = await stored(gateway, uid);
    expect(entity.cert).toBe(pair.chain.trim());
    expect(entity.key).toBe(pair.key.trim());
    expect(entity.tags).toEqual(tags);
    expect(entity.snis).toEqual([HOST]);
  });

  it('is left to the controller that takes it within the grace', async () => {
    const old = renewed(60);
    const { where, uid } = await secret(old);
    const gateway = await kong('database', { uid, pair: old, tags: [] });
    const runner = await reloader(gateway, where, { takeover_grace: 1 });
    await runner.pass('start');
    const pair = renewed(1);
    await secret(pair, where);
    await eventually('it is seen', async () => (await runner.pass('poll')).nextAt !== null);
    const body = JSON.stringify({ cert: pair.chain.trim(), key: pair.key.trim() });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${gateway.adminUrl}/certificates/${uid}`, { method: 'PATCH', body, headers });
    gateway.clearRequests();
    const done = await eventually('it is in step', async () => {
      const report = await runner.pass('poll');
      return report.inSync === 1 && report.nextAt === null ? report : null;
    });
    expect(done.events).toEqual([]);
    expect(gateway.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  });

  it('is reported and not written with takeover: observe', async () => {
    const old = renewed(60);
    const { where, uid } = await secret(old);
    const gateway = await kong('database', { uid, pair: old, tags: [] });
    const runner = await reloader(gateway, where, { takeover: 'observe', takeover_grace: 0 });
    await secret(renewed(1), where);
    const { events } = await runner.pass('start');
    expect(events).toMatchObject([
      { outcome: { kind: 'refused', refusal: { reason: 'managed_elsewhere' } } },
    ]);
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(old.cert));
  });

  it('has what refers to its Secret annotated with takeover: nudge', async () => {
    const old = renewed(60);
    const { where, uid } = await secret(old);
    const path = `/apis/networking.k8s.io/v1/namespaces/${where}/ingresses`;
    await cluster().request('POST', path, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'shop', namespace: where },
      spec: {
        tls: [{ hosts: [HOST], secretName: 'www' }],
        defaultBackend: { resource: { kind: 'X', name: 'y' } },
      },
    });
    const gateway = await kong('database', { uid, pair: old, tags: [] });
    const runner = await reloader(gateway, where, { takeover: 'nudge', takeover_grace: 0 });
    const pair = renewed(1);
    await secret(pair, where);
    const { events } = await runner.pass('start');
    expect(events[0]?.outcome).toMatchObject({ kind: 'nudged', detail: `annotated Ingress ${where}/shop` });
    const { body } = await cluster().request('GET', `${path}/shop`);
    expect(body).toMatchObject({
      metadata: { annotations: { 'ssl-cert-reloader/certificate': leafOf(pair.cert) } },
    });
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(old.cert));
  });

  it('follows a Secret that was deleted and made anew, by the tags that name it', async () => {
    const old = renewed(60);
    const { where, uid } = await secret(old);
    const tags = [`k8s-namespace:${where}`, 'k8s-name:www'];
    const gateway = await kong('database', { uid, pair: old, tags });
    const runner = await reloader(gateway, where, { takeover_grace: 0 });
    await runner.pass('start');
    await cluster().deleteSecret(where, 'www');
    const pair = renewed(1);
    expect((await secret(pair, where)).uid).not.toBe(uid);
    await eventually('it is served', async () => {
      await runner.pass('poll');
      return (await servedLeaf(gateway.tlsPort, HOST)) === leafOf(pair.cert);
    });
  });

  it('keeps serving when its Secret is edited to a broken pair', async () => {
    const old = renewed(60);
    const { where, uid } = await secret(old);
    const gateway = await kong('database', { uid, pair: old, tags: [] });
    const runner = await reloader(gateway, where, { takeover_grace: 0 });
    await runner.pass('start');
    await cluster().applySecret(where, 'www', {
      data: { 'tls.crt': renewed(1).chain, 'tls.key': old.key },
    });
    const refused = await eventually('it is refused', async () => {
      const { events } = await runner.pass('poll');
      return events.find(({ outcome }) => outcome.kind === 'refused');
    });
    expect(refused.outcome).toMatchObject({ refusal: { reason: 'key_mismatch' } });
    expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(old.cert));
  });
});
