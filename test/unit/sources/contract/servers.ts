import { createHash } from 'node:crypto';
import { httpServer } from '../../../support/https-server';
import { sendStatus, StandInCluster } from '../../../support/stand-in-cluster';
import { StandInVault } from '../../../support/vault';
import { MAX_BUNDLE_BYTES } from '../../../../src/model';
import type { World } from './world';

const HUGE = '\n'.repeat(MAX_BUNDLE_BYTES);

export async function httpWorld(): Promise<World> {
  let text: string | null = null;
  let trouble: 'none' | 'forbidden' | 'hangs' = 'none';
  let bodies = 0;
  const server = await httpServer(({ headers }, response) => {
    if (trouble === 'hangs') return;
    if (trouble === 'forbidden') return void response.writeHead(403).end();
    if (text === null) return void response.writeHead(404).end();
    const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
    const isSame = headers['if-none-match'] === etag;
    if (!isSame) bodies += 1;
    response.writeHead(isSame ? 304 : 200, { etag }).end(isSame ? undefined : text);
  });
  return {
    config: { type: 'http', url: `${server.url}/www.pem`, timeout: 1 },
    put: ({ chain, key }) => (text = chain + key),
    putHalf: ({ chain }) => (text = chain),
    putHuge: ({ chain, key }) => (text = chain + key + HUGE),
    remove: () => (text = null),
    forbid: () => (trouble = 'forbidden'),
    hang: () => (trouble = 'hangs'),
    recover: () => (trouble = 'none'),
    fetches: () => {
      const count = bodies;
      bodies = 0;
      return count;
    },
    open: () => server.connections(),
  };
}

export async function vaultWorld(): Promise<World> {
  const vault = await StandInVault.start();
  const token = vault.token({ 'secret/': ['read', 'list'] });
  const path = 'secret/certs/www';
  const put = (cert: string, key: string) =>
    vault.put(path, { 'tls.crt': cert, ...(key === '' ? {} : { 'tls.key': key }) });
  return {
    config: { type: 'vault', url: vault.url, token, secret_path: 'certs/', timeout: 1 },
    put: ({ chain, key }) => put(chain, key),
    putHalf: ({ chain }) => put(chain, ''),
    putHuge: ({ chain, key }) => put(chain + HUGE, key),
    remove: () => vault.deleteAll(path),
    forbid: () => (vault.outage = [403, { errors: ['permission denied'] }]),
    hang: () => (vault.isSilent = true),
    recover: () => {
      vault.outage = null;
      vault.isSilent = false;
    },
    fetches: () => vault.requests().filter((request) => request.includes('/data/')).length,
    open: () => vault.connections,
  };
}

export async function kubernetesWorld(): Promise<World> {
  const cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  const where = ['shop', 'www'] as const;
  return {
    config: { type: 'kubernetes', kubeconfig: cluster.kubeconfig(), namespaces: ['shop'] },
    put: (pair) => cluster.putSecret(...where, pair),
    putHalf: ({ chain }) => cluster.putSecret(...where, { chain, key: '' }),
    putHuge: ({ chain, key }) => cluster.putSecret(...where, { chain: chain + HUGE, key }),
    remove: () => cluster.remove('secrets', ...where),
    forbid: () => {
      cluster.endWatches();
      cluster.intercept = () => (response) => sendStatus(response, 403, 'secrets is forbidden');
    },
    hang: () => {
      cluster.endWatches();
      cluster.freeze();
    },
    recover: () => {
      cluster.intercept = () => null;
      cluster.thaw();
    },
    fetches: () => cluster.requests().filter((request) => request.startsWith('GET')).length,
    open: () => cluster.connections,
  };
}
