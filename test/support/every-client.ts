import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Webhook } from '../../src/alerts';
import { completeConfig } from '../../src/app/config';
import { fetchStatus, poll } from '../../src/cli/status/client';
import { AdminClient, DatabaseGateway, DeclarativeGateway } from '../../src/gateway';
import { clientOf, KubernetesLeases, ListWatch, type KubernetesObject } from '../../src/kubernetes';
import { createSources } from '../../src/sources';
import { testFolder } from './folders';

/** A secret as it is made for machines: found again in any spelling. */
export const SECRET = 'xq7Wd2.K9-vTz4_Lm8';
/** The private key of a bundle is one, too. */
export const KEY = `-----BEGIN PRIVATE KEY-----\n${Buffer.from('not a real key, but as long as one').toString('base64')}\n-----END PRIVATE KEY-----\n`;

/** Everything that asks a server, with a secret; what it says of the answers. */
export const EVERY_CLIENT: Readonly<Record<string, (url: string, timeoutMs: number) => Promise<unknown[]>>> =
  {
    'the Admin API, with a database': async (url, timeoutMs) => {
      const client = new AdminClient({ url, token: { value: SECRET }, timeoutMs, attempts: 1 });
      const gateway = new DatabaseGateway(client);
      return said(
        () => gateway.certificates.refresh(),
        () => gateway.caCertificates.refresh(),
        () => gateway.pluginEntries(),
        () => client.request('PATCH', '/certificates/1', { key: KEY }),
      ).finally(() => client.close());
    },
    'the Admin API, without a database': async (url, timeoutMs) => {
      const login = url.replace('//', `//kong:${encodeURIComponent(SECRET)}@`);
      const client = new AdminClient({ url: login, timeoutMs, attempts: 1 });
      const gateway = new DeclarativeGateway(client);
      return said(
        () => gateway.certificates.refresh(),
        () => gateway.revision(),
        () => gateway.pluginEntries(),
      ).finally(() => client.close());
    },
    'a Kubernetes API server': async (url, timeoutMs) => {
      const client = clientOf({ kubeconfig: kubeconfigFor(url) }, timeoutMs);
      const list = new ListWatch<KubernetesObject>({
        client,
        api: '/api/v1',
        plural: 'secrets',
        namespace: null,
        name: null,
        fieldSelector: null,
        labelSelector: null,
      });
      const leases = new KubernetesLeases(client, 'default', 'lease');
      const watched = async () => {
        for await (const _event of client.watch(
          '/api/v1/secrets?watch=1',
          AbortSignal.timeout(4 * timeoutMs),
          timeoutMs,
        ));
      };
      return said(
        () => list.refresh(() => undefined),
        () => leases.read(),
        () => client.send('POST', '/api/v1/events', { message: 'x' }),
        watched,
      ).finally(() => client.close());
    },
    'a Vault server, by a token': (url, timeoutMs) =>
      passes({ type: 'vault', url, secret_path: 'certs/', token: SECRET }, timeoutMs),
    'a Vault server, by a login': (url, timeoutMs) =>
      passes({ type: 'vault', url, secret_path: 'certs/www', role_id: 'kong', secret_id: SECRET }, timeoutMs),
    'an http source, by a token': (url, timeoutMs) =>
      passes({ type: 'http', url: `${url}/www.pem?sig=${SECRET}`, token: SECRET }, timeoutMs),
    'an http source, by a password': (url, timeoutMs) =>
      passes({ type: 'http', url, key_url: `${url}/key`, username: 'kong', token: SECRET }, timeoutMs),
    'a webhook': async (url, timeoutMs) => {
      const token_file = join(testFolder(), 'token');
      writeFileSync(token_file, SECRET);
      const settings = {
        webhook: `${url}/${SECRET}`,
        token_file,
        headers: [`X-Key: ${SECRET}`],
        allow_http: false,
      };
      const hook = new Webhook(settings, (address) => address, timeoutMs);
      return [await hook.post({ text: 'x' }).finally(() => hook.close())];
    },
    'the status of another process': (url, timeoutMs) =>
      said(
        () => fetchStatus({ socket: '', url }, undefined, timeoutMs),
        () => poll({ socket: '', url }, timeoutMs),
      ),
  };

/** Errors, and what is data of them; never what was fetched. */
async function said(...works: (() => Promise<unknown>)[]): Promise<unknown[]> {
  const all: unknown[] = [];
  for (const work of works) {
    const outcome = await Promise.resolve()
      .then(work)
      .catch((error: unknown) => error);
    if (outcome instanceof Error) all.push(...causesOf(outcome));
  }
  return all;
}

/** An error with all that a logger could print of it. */
function causesOf(error: Error): unknown[] {
  const { name, message, stack, cause, ...rest } = error;
  return [name, message, stack, { ...rest }, ...(cause instanceof Error ? causesOf(cause) : [cause])];
}

async function passes(config: object, timeoutMs: number): Promise<unknown[]> {
  const complete = completeConfig({ sources: [config] });
  // Shorter than a configuration may say.
  const sources = complete.sources.map((source) => ({ ...source, timeout: timeoutMs / 1000 }));
  const [source] = createSources({ sources }, () => false, Infinity).sources;
  if (source === undefined) throw new Error('no source was made');
  const { errors } = await source.scan();
  const reading = await source.read('certs/www');
  source.close?.();
  return [errors, reading !== null && 'reason' in reading ? reading : null];
}

function kubeconfigFor(server: string): string {
  const path = join(testFolder(), 'kubeconfig');
  const config = {
    'current-context': 'x',
    contexts: [{ name: 'x', context: { cluster: 'x', user: 'x' } }],
    clusters: [{ name: 'x', cluster: { server } }],
    users: [{ name: 'x', user: { token: SECRET } }],
  };
  writeFileSync(path, JSON.stringify(config));
  return path;
}
