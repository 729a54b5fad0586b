import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Election } from '../../../src/leadership';
import type { Lease, LeaseSpec, LeaseStore } from '../../../src/model';
import type { Leadership } from '../../../src/model';
import { KubernetesError } from '../../../src/kubernetes';

const DURATION_MS = 15_000;

/** A cluster with one Lease, which takes a write only of what was read last. */
class OneLease {
  lease: Lease | null = null;
  #version = 0;
  /** Thrown at those instead of an answer. */
  readonly failures = new Map<string, Error>();

  storeOf(who: string): LeaseStore {
    const guard = () => {
      const failure = this.failures.get(who);
      if (failure !== undefined) throw failure;
    };
    return {
      name: 'kong/ssl-cert-reloader',
      read: async () => Promise.resolve().then(() => (guard(), this.lease)),
      create: async (spec) =>
        Promise.resolve().then(() => {
          guard();
          if (this.lease !== null) throw new KubernetesError('it exists', 409);
          return this.put(spec);
        }),
      update: async ({ metadata, spec }) =>
        Promise.resolve().then(() => {
          guard();
          if (metadata.resourceVersion !== this.lease?.metadata.resourceVersion)
            throw new KubernetesError('the object has been modified', 409);
          return this.put(spec ?? {});
        }),
      close: () => undefined,
    };
  }

  put(spec: LeaseSpec): Lease {
    const resourceVersion = String(++this.#version);
    this.lease = { metadata: { name: 'ssl-cert-reloader', resourceVersion }, spec };
    return this.lease;
  }
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());
const advance = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function candidate(cluster: OneLease, identity: string) {
  const said: Leadership[] = [];
  const election = new Election({
    store: () => cluster.storeOf(identity),
    identity,
    durationMs: DURATION_MS,
    changed: (status) => said.push(status),
  });
  election.start();
  onTestFinished(() => election.stop());
  await advance(0);
  return { election, said };
}

describe('an election', () => {
  it('is won by whoever comes first; the other one knows who', async () => {
    const cluster = new OneLease();
    const a = await candidate(cluster, 'a');
    const b = await candidate(cluster, 'b');
    for (let minutes = 0; minutes < 5; minutes += 1) {
      expect(a.election.status).toEqual({ isLeader: true, holder: 'a', error: null });
      expect(b.election.status).toEqual({ isLeader: false, holder: 'a', error: null });
      await advance(60_000);
    }
    expect(a.said).toHaveLength(1);
    expect(cluster.lease?.spec).toMatchObject({ leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(cluster.lease?.spec?.renewTime).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
  });

  it('is won within seconds where the holder stops in order', async () => {
    const cluster = new OneLease();
    const a = await candidate(cluster, 'a');
    const b = await candidate(cluster, 'b');
    await a.election.stop();
    expect(a.election.isLeader).toBe(false);
    expect(cluster.lease?.spec?.holderIdentity).toBe('');
    await advance(2_000);
    expect(b.election.status).toEqual({ isLeader: true, holder: 'b', error: null });
    expect(cluster.lease?.spec?.leaseTransitions).toBe(1);
  });

  it('never has two who write: a holder that is cut off gives up before another one takes over', async () => {
    const cluster = new OneLease();
    const a = await candidate(cluster, 'a');
    const b = await candidate(cluster, 'b');
    await advance(7_000);
    cluster.failures.set('a', new KubernetesError('connect ETIMEDOUT', 0));
    let overlap = 0;
    let [aEnded, bBegan] = [0, 0];
    for (let ms = 100; ms <= 30_000; ms += 100) {
      await advance(100);
      if (a.election.isLeader && b.election.isLeader) overlap += 1;
      if (!a.election.isLeader) aEnded ||= ms;
      if (b.election.isLeader) bBegan ||= ms;
    }
    expect(overlap).toBe(0);
    expect(aEnded).toBeGreaterThan(0);
    expect(bBegan).toBeGreaterThan(aEnded);
    expect(bBegan).toBeLessThanOrEqual(DURATION_MS + 2_000);
    expect(a.said.at(-1)).toMatchObject({
      isLeader: false,
      error: expect.stringContaining('ETIMEDOUT') as string,
    });

    cluster.failures.clear();
    await advance(3_000);
    expect(a.election.status).toEqual({ isLeader: false, holder: 'b', error: null });
    expect(b.election.isLeader).toBe(true);
  });

  it('survives a request that fails', async () => {
    const cluster = new OneLease();
    const a = await candidate(cluster, 'a');
    await advance(3_000);
    cluster.failures.set('a', new KubernetesError('connect ECONNREFUSED', 0));
    await advance(4_000);
    expect(a.election.isLeader).toBe(true);
    cluster.failures.clear();
    await advance(60_000);
    expect(a.election.status).toEqual({ isLeader: true, holder: 'a', error: null });
    expect(cluster.lease?.spec?.leaseTransitions).toBe(0);
  });

  it.each(['1970-01-01T00:00:00.000000Z', '2999-01-01T00:00:00.000000Z'])(
    'does not ask what another clock says (%s)',
    async (renewTime) => {
      const cluster = new OneLease();
      cluster.put({ holderIdentity: 'gone', leaseDurationSeconds: 15, renewTime });
      const a = await candidate(cluster, 'a');
      await advance(14_000);
      expect(a.election.isLeader).toBe(false);
      await advance(3_000);
      expect(a.election.isLeader).toBe(true);
    },
  );

  it('is lost at once where somebody else wrote the Lease', async () => {
    const cluster = new OneLease();
    const a = await candidate(cluster, 'a');
    cluster.put({ holderIdentity: 'thief', leaseDurationSeconds: 15 });
    await advance(DURATION_MS / 3);
    expect(a.election.isLeader).toBe(false);
    await advance(2_000);
    expect(a.election.status).toEqual({ isLeader: false, holder: 'thief', error: null });
  });

  it('is won by nobody who has no right to it, which is said once, with what is needed', async () => {
    const cluster = new OneLease();
    cluster.failures.set('a', new KubernetesError('leases is forbidden', 403));
    const a = await candidate(cluster, 'a');
    await advance(60_000);
    expect(a.election.isLeader).toBe(false);
    expect(a.said).toHaveLength(1);
    expect(a.said[0]?.error).toBe(
      'access to the Lease kong/ssl-cert-reloader is forbidden, so this gateway writes nothing; give the service ' +
        'account get, create and update on leases (coordination.k8s.io) there: leases is forbidden',
    );
    cluster.failures.clear();
    await advance(2_000);
    expect(a.election.status).toEqual({ isLeader: true, holder: 'a', error: null });
  });
});
