import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { completeConfig } from '../../src/app/config';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { startReloader } from '../support/reloader';
import type { PolicyRule } from './apiserver';
import { describeWithCluster } from './suite';

const DAY_MS = 86_400_000;
const SECRETS: PolicyRule = { apiGroups: [''], resources: ['secrets'], verbs: ['get', 'list', 'watch'] };
const CERTIFICATES: PolicyRule = {
  apiGroups: ['cert-manager.io'],
  resources: ['certificates'],
  verbs: ['get'],
};
/** Without milliseconds, as in a certificate. */
const START = Math.floor(Date.now() / 1000) * 1000;
const inDays = (days: number) => new Date(START + days * DAY_MS);
const iso = (date: Date) => date.toISOString().replace('.000', '');
/** 2/3 of its 100 days were over 13 days ago. */
const late = issue({ notBefore: inDays(-80), notAfter: inDays(20) });
const fresh = issue({ notBefore: inDays(-40), notAfter: inDays(60) });

describeWithCluster('a certificate of cert-manager', (cluster) => {
  let made = 0;
  beforeAll(() => cluster().installCrds());

  /** Has it served from its Secret, with what cert-manager says of it. */
  async function following(pair: typeof late, status: object | null, rules: PolicyRule[]) {
    const where = `renewal-time-${++made}`;
    await cluster().createNamespace(where);
    await cluster().createServiceAccount(where, 'kong', rules);
    const annotations = { 'cert-manager.io/certificate-name': 'www-certificate' };
    await cluster().applySecret(where, 'www', { cert: pair.chain, key: pair.key, annotations });
    const say = async (said: object) => {
      const path = `/apis/cert-manager.io/v1/namespaces/${where}/certificates/www-certificate/status`;
      const contentType = 'application/merge-patch+json';
      const { status: code } = await cluster().request('PATCH', path, { status: said }, { contentType });
      expect(code).toBe(200);
    };
    if (status !== null) {
      await cluster().apply({
        apiVersion: 'cert-manager.io/v1',
        kind: 'Certificate',
        metadata: { name: 'www-certificate', namespace: where },
        spec: { secretName: 'www', issuerRef: { name: 'ca' }, renewBefore: '240h' },
      });
      await say(status);
    }
    const gateway = await startGateway({ mode: 'database' });
    onTestFinished(() => gateway.stop());
    const token = await cluster().token(where, 'kong');
    const kubeconfig = cluster().kubeconfig(join(testFolder(), 'kubeconfig'), token);
    const config = completeConfig({ sources: [{ type: 'kubernetes', namespaces: [where], kubeconfig }] });
    const reloader = await startReloader(gateway.prefix, config);
    const certificate = () => reloader.status().certificates.find(({ state }) => state === 'in_sync');
    /** Once it is in Kong, a poll has seen it there, and nobody is asked any more. */
    const settled = () =>
      eventually('it is in Kong', async () => {
        if (certificate() === undefined) return null;
        await reloader.demand('poll');
        await eventually('nobody is asked', () => !reloader.isAsking);
        return certificate() ?? null;
      });
    return { settled, say, reloader };
  }

  it('is not overdue after 2/3 of its life where it is to be renewed later', async () => {
    const renewalTime = iso(inDays(10));
    const status = { notAfter: iso(inDays(20)), renewalTime };
    const { settled } = await following(late, status, [SECRETS, CERTIFICATES]);
    const { renewal_due_at: dueAt, renewal_overdue: isOverdue } = await settled();
    expect({ dueAt, isOverdue }).toEqual({
      dueAt: renewalTime.replace('Z', '.000Z'),
      isOverdue: false,
    });
  });

  it('is overdue before 2/3 of its life where the time to renew it is over', async () => {
    const status = { notAfter: iso(inDays(60)), renewalTime: iso(inDays(-30)) };
    const { settled } = await following(fresh, status, [SECRETS, CERTIFICATES]);
    expect(await settled()).toMatchObject({ renewal_overdue: true });
  });

  it('is judged by the usual time as long as the status is of the leaf before', async () => {
    const status = { notAfter: iso(inDays(-10)), renewalTime: iso(inDays(-20)) };
    const { settled } = await following(fresh, status, [SECRETS, CERTIFICATES]);
    expect(await settled()).toMatchObject({ renewal_overdue: false });
  });

  it.for([
    ['that may not be asked for', { notAfter: iso(inDays(20)), renewalTime: iso(inDays(10)) }, [SECRETS]],
    ['whose Certificate is not there', null, [SECRETS, CERTIFICATES]],
  ] as const)('%s is overdue after 2/3 of its life, and its source is well', async ([, status, rules]) => {
    const { settled, reloader } = await following(late, status, [...rules]);
    expect(await settled()).toMatchObject({ renewal_overdue: true, state: 'in_sync' });
    expect(reloader.status().sources).toMatchObject([{ up: true, error: null }]);
  });
});
