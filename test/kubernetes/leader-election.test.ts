import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { createReloader } from '../../src/app/reloader';
import { Authority } from '../../src/authority/authority';
import { completeConfig } from '../../src/app/config';
import { Election } from '../../src/leadership';
import { KubernetesLeases, KubernetesClient, readKubeconfig } from '../../src/kubernetes';
import type { LogRoot } from '../../src/report';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import type { PolicyRule } from './apiserver';
import { describeWithCluster } from './suite';

const LEASES: PolicyRule = {
  apiGroups: ['coordination.k8s.io'],
  resources: ['leases'],
  verbs: ['get', 'create', 'update'],
};
const SECRETS: PolicyRule = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] };

describeWithCluster('leader election by a Lease', (cluster) => {
  let made = 0;

  /** A namespace of its own, with a kubeconfig for somebody who may do that there. */
  async function place(...rules: PolicyRule[]) {
    const namespace = `leader-${++made}`;
    await cluster().createNamespace(namespace);
    await cluster().createServiceAccount(namespace, 'kong', rules);
    const token = await cluster().token(namespace, 'kong');
    const kubeconfig = cluster().kubeconfig(join(testFolder(), 'kubeconfig'), token);
    const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/ssl-cert-reloader`;
    const lease = async () => (await cluster().request('GET', path)).body as { spec: object };
    return { namespace, kubeconfig, lease };
  }

  type Place = Awaited<ReturnType<typeof place>>;

  /** Long enough that even on a busy machine no gateway loses the Lease; it is released at the end. */
  const DURATION_S = 600;

  function candidate({ namespace, kubeconfig }: Place, identity: string) {
    const client = new KubernetesClient(() => readKubeconfig(kubeconfig));
    const election = new Election({
      store: () => new KubernetesLeases(client, 'ssl-cert-reloader', namespace),
      ...{ identity, durationMs: DURATION_S * 1000, changed: () => undefined },
    });
    election.start();
    onTestFinished(() => election.stop());
    return { election, client };
  }

  it('one leads, and gives the Lease back for the next one', async () => {
    const where = await place(LEASES);
    const a = candidate(where, 'a');
    await eventually('a leads', () => a.election.isLeader);
    const b = candidate(where, 'b');
    await eventually('b knows', () => b.election.status.holder === 'a');
    expect(b.election.isLeader).toBe(false);
    await a.election.stop();
    await eventually('b leads', () => b.election.isLeader);
    expect((await where.lease()).spec).toMatchObject({
      holderIdentity: 'b',
      leaseDurationSeconds: DURATION_S,
      leaseTransitions: 1,
    });
  });

  it('of many at once one leads', async () => {
    const where = await place(LEASES);
    const all = Array.from({ length: 8 }, (_, index) => candidate(where, `pod-${index}`).election);
    const isSettled = () => all.every(({ status }) => status.holder !== null && status.error === null);
    await eventually('all of them know who', isSettled);
    expect(all.filter(({ isLeader }) => isLeader)).toHaveLength(1);
    expect(new Set(all.map(({ status }) => status.holder)).size).toBe(1);
  });

  it('the Lease of one that died is taken over', async () => {
    const where = await place(LEASES);
    const client = new KubernetesClient(() => readKubeconfig(where.kubeconfig));
    onTestFinished(() => client.close());
    await new KubernetesLeases(client, 'ssl-cert-reloader', where.namespace).create({
      holderIdentity: 'dead',
      leaseDurationSeconds: 3,
    });
    const began = performance.now();
    const { election } = candidate(where, 'b');
    await eventually('b leads', () => election.isLeader);
    expect(performance.now() - began).toBeGreaterThanOrEqual(3_000);
  });

  it('without the right to leases nobody leads, and the sentence says what is needed', async () => {
    const { election } = candidate(await place(), 'a');
    const error = await eventually('it says so', () => election.status.error);
    expect(error).toContain('get, create and update on leases (coordination.k8s.io)');
    expect(error).toContain('writes nothing');
    expect(election.isLeader).toBe(false);
  });

  /** A Kong with a database, a Secret and a CA that it has not got yet, and gateways' reloaders. */
  async function gateways(where: Place) {
    const gateway = await startGateway({ mode: 'database' });
    onTestFinished(() => gateway.stop());
    const pair = issue();
    await cluster().applySecret(where.namespace, 'www', { cert: pair.chain, key: pair.key });
    const cas = join(testFolder(), 'cas.pem');
    writeFileSync(cas, Authority.root('A').cert);
    const config = completeConfig({
      sources: [
        { type: 'kubernetes', namespaces: [where.namespace], kubeconfig: where.kubeconfig, create: true },
        { type: 'file', cert: cas, trust: true },
      ],
      leader_election: { enabled: true, namespace: where.namespace, duration: DURATION_S },
    });
    const kong = await connect({ prefix: gateway.prefix }, {});
    onTestFinished(() => kong.client.close());
    const start = (entry: string) => {
      const lines: { level: string; message: string; fields: object | undefined }[] = [];
      const log = (level: string, message: string, fields?: object) =>
        void lines.push({ level, message, fields });
      const root: LogRoot = { log, open: () => ({ log, close: () => undefined }) };
      const reloader = createReloader(config, kong, root, entry);
      reloader.start();
      onTestFinished(() => reloader.stop());
      const said = (message: string) => lines.filter((line) => line.message === message);
      return { reloader, said, certificate: () => reloader.status().certificates[0] };
    };
    const writes = () => gateway.requests.filter(({ method }) => method !== 'GET');
    return { gateway, start, writes };
  }

  it('a gateway writes nothing while another one leads, says who, and writes once it leads', async () => {
    const where = await place(LEASES, SECRETS);
    const { start, writes, gateway } = await gateways(where);
    const other = candidate(where, 'other-pod');
    await eventually('the other one leads', () => other.election.isLeader);
    const { reloader, certificate, said } = start('E');
    await eventually(
      'it says who writes',
      () => certificate()?.note === 'another gateway writes it: other-pod',
    );
    await reloader.demand('command');
    expect(certificate()).toMatchObject({ state: 'pending', certificate_id: null });
    expect(reloader.status().leader).toEqual({ is_leader: false, holder: 'other-pod', error: null });
    expect(writes()).toEqual([]);

    await other.election.stop();
    await eventually('it is written', () => certificate()?.state === 'in_sync');
    await eventually('the CA, too', () => gateway.entities('ca_certificates').length === 1);
    expect(said('this gateway writes from now on')).toHaveLength(1);
    expect(reloader.status().leader).toMatchObject({ is_leader: true, error: null });
  });

  it('of two gateways on one database one writes, and the other one sees it', async () => {
    const { start, writes } = await gateways(await place(LEASES, SECRETS));
    const both = [start('one'), start('two')];
    for (const { certificate } of both) {
      await eventually('it is in step', () => certificate()?.state === 'in_sync');
    }
    // The log tells of a pass when it is over.
    await eventually('it says so', () => both.some(({ said }) => said('certificate created').length > 0));
    expect(both.map(({ said }) => said('certificate created').length).sort()).toEqual([0, 1]);
    await eventually('the CA is written, too', () => writes().length >= 2);
    expect(writes().map(({ path }) => path.split('/')[1])).toEqual(['certificates', 'ca_certificates']);
    expect(both.filter(({ reloader }) => reloader.status().leader?.is_leader)).toHaveLength(1);
  });

  it('without the right to leases a gateway writes nothing and shows an error', async () => {
    const { start, writes } = await gateways(await place(SECRETS));
    const { reloader, certificate, said } = start('E');
    await eventually('the log says so', () => said('the Lease cannot be acquired').length > 0);
    await reloader.demand('command');
    expect(said('the Lease cannot be acquired')).toMatchObject([{ level: 'error' }]);
    expect(reloader.status().leader?.error).toContain(
      'give the service account get, create and update on leases',
    );
    expect(certificate()?.note).toContain('it is not written: access to the Lease');
    expect(writes()).toEqual([]);
  });
});
