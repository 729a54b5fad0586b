import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { completeConfig } from '../../src/app/config';
import type { LogRoot } from '../../src/report';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { leafOf } from '../support/tls';
import { startReloader } from '../support/reloader';
import type { PolicyRule } from './apiserver';
import { describeWithCluster } from './suite';

interface Event {
  type: string;
  reason: string;
  message: string;
  involvedObject: { kind: string; name: string; uid: string };
}

const may = (resource: string, ...verbs: string[]): PolicyRule => ({
  ...{ apiGroups: [''], resources: [resource], verbs },
});
const SECRETS = may('secrets', 'get', 'list', 'watch');
const EVENTS = may('events', 'create', 'patch');
const renewed = (minutes: number) => issue({ notBefore: new Date(Date.now() - minutes * 60_000) });

describeWithCluster('what became of a Secret', (cluster) => {
  let made = 0;

  async function following(rules: PolicyRule[]) {
    const where = `events-${++made}`;
    await cluster().createNamespace(where);
    await cluster().createServiceAccount(where, 'kong', rules);
    const kubeconfig = cluster().kubeconfig(
      join(testFolder(), 'kubeconfig'),
      await cluster().token(where, 'kong'),
    );
    const gateway = await startGateway({ mode: 'database' });
    onTestFinished(() => gateway.stop());
    const put = async (pair: ReturnType<typeof renewed>, key = pair.key) => {
      const { metadata } = await cluster().applySecret(where, 'www', { cert: pair.chain, key });
      return metadata.uid ?? '';
    };
    const first = renewed(60);
    const uid = await put(first);
    const lines: { message: string; fields: object | undefined }[] = [];
    const log = (_: string, message: string, fields?: object) => void lines.push({ message, fields });
    const root: LogRoot = { log, open: () => ({ log, close: () => undefined }) };
    const config = completeConfig({
      sources: [{ type: 'kubernetes', namespaces: [where], kubeconfig }],
      // The time that an unserved certificate costs; a busy machine must prove a swap within it.
      verify: { timeout: 5 },
    });
    const reloader = await startReloader(gateway.prefix, config, root);
    const events = async () => {
      const { body } = await cluster().request('GET', `/api/v1/namespaces/${where}/events`);
      return (body as { items: Event[] }).items;
    };
    const eventOf = (reason: string) =>
      eventually(`there is an Event ${reason}`, async () =>
        (await events()).find((event) => event.reason === reason),
      );
    const said = (message: string) => lines.filter((line) => line.message === message).length;
    return { gateway, put, first, uid, events, eventOf, reloader, said };
  }

  it('stands on it as Events: swapped, refused, rolled back; the same thing not again and again', async () => {
    const { gateway, put, first, uid, events, eventOf, said } = await following([SECRETS, EVENTS]);
    expect(await eventOf('CertificateSwapped')).toMatchObject({
      type: 'Normal',
      message: expect.stringContaining(leafOf(first.cert)) as string,
      involvedObject: { kind: 'Secret', name: 'www', uid },
    });

    const broken = renewed(50);
    await put(broken, first.key);
    expect(await eventOf('CertificateRefused')).toMatchObject({
      type: 'Warning',
      message: expect.stringContaining('does not belong to its certificate') as string,
      involvedObject: { uid },
    });

    gateway.freezeServing();
    await put(renewed(40));
    expect(await eventOf('CertificateRolledBack')).toMatchObject({
      type: 'Warning',
      involvedObject: { uid },
    });
    gateway.unfreeze();

    // The same mistake a second time.
    const refusals = () => said('bundle refused; the last good certificate keeps serving');
    const before = refusals();
    await put(broken, first.key);
    await eventually('it is refused again', () => refusals() > before);
    const keys = (await events()).filter(({ message }) => message.includes('does not belong'));
    expect(keys).toHaveLength(1);
  });

  it('is not written where that is not allowed, which the log says once', async () => {
    const { put, events, reloader, said, first } = await following([SECRETS]);
    const words = 'Events are not written to the cluster';
    await eventually('it says so', () => said(words) > 0);
    await put(renewed(50), first.key);
    await eventually(
      'it is refused',
      () => said('bundle refused; the last good certificate keeps serving') > 0,
    );
    reloader.request('trigger');
    await put(renewed(40));
    await eventually('it is swapped', () => said('certificate swapped') > 0);
    expect(said(words)).toBe(1);
    expect(await events()).toEqual([]);
  });
});
