import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { KubernetesClient, readKubeconfig } from '../../../src/kubernetes';
import { testFolder } from '../../support/folders';
import { httpServer } from '../../support/https-server';

/** An API server that knows one token, and a kubeconfig that is not there yet. */
async function cluster() {
  const known = { token: 'first' };
  const { url } = await httpServer(({ headers }, response) => {
    const isKnown = headers.authorization === `Bearer ${known.token}`;
    response.writeHead(isKnown ? 200 : 401).end(JSON.stringify(isKnown ? { kind: 'List' } : {}));
  });
  const path = join(testFolder(), 'kubeconfig');
  const write = (server: string, token: string) => {
    const named = (key: string, value: object) => [{ name: 'one', [key]: value }];
    const config = {
      'current-context': 'one',
      contexts: named('context', { cluster: 'one', user: 'one' }),
      clusters: named('cluster', { server }),
      users: named('user', { token }),
    };
    writeFileSync(path, JSON.stringify(config));
  };
  const client = new KubernetesClient(() => readKubeconfig(path));
  onTestFinished(() => client.close());
  return { url, known, path, write, ask: () => client.get('/api/v1/secrets') };
}

it('each request says why a cluster cannot be asked, until that is mended', async () => {
  const { url, path, write, ask } = await cluster();
  await expect(ask()).rejects.toThrow(`kubeconfig ${path} cannot be read: it does not exist (yet)`);
  writeFileSync(path, 'clusters: []\n');
  await expect(ask()).rejects.toThrow(`kubeconfig ${path}: it has no current-context`);
  write('http://127.0.0.1:1', 'first');
  await expect(ask()).rejects.toThrow('the API server http://127.0.0.1:1 cannot be reached');
  write(url, 'first');
  expect(await ask()).toEqual({ kind: 'List' });
});

it('a token that is no longer taken is looked for again, and only then', async () => {
  const { url, known, path, write, ask } = await cluster();
  write(url, 'first');
  await ask();
  rmSync(path);
  expect(await ask()).toEqual({ kind: 'List' });
  known.token = 'second';
  write(url, 'second');
  await expect(ask()).rejects.toMatchObject({ status: 401 });
  expect(await ask()).toEqual({ kind: 'List' });
});
