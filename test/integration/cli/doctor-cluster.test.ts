import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { cli } from '../../support/cli';
import { testFolder } from '../../support/folders';
import { httpsServer, testAuthority } from '../../support/https-server';

/** What an API server answers; `allowed` are verbs on Secrets, `*` in every namespace. */
interface Cluster {
  allowed: (verb: string, namespace: string | undefined) => boolean;
  images?: string[];
  certManager?: boolean;
}

/** The doctor's findings about a cluster that a source of type kubernetes names. */
async function examined({ allowed, images = [], certManager = false }: Cluster, namespaces = '[]') {
  const { authority, caFile } = testAuthority();
  const identity = authority.issue({ names: ['127.0.0.1'] });
  const items = images.map((image) => ({
    metadata: {},
    spec: { template: { spec: { containers: [{ image }] } } },
  }));
  const server = await httpsServer({ identity }, ({ path, body }, response) => {
    const answer = (value: unknown) => void response.end(JSON.stringify(value));
    if (path === '/version') answer({ gitVersion: 'v1.31.2' });
    else if (path.includes('selfsubjectaccessreviews')) {
      const { spec } = JSON.parse(body) as {
        spec: { resourceAttributes: { verb: string; namespace?: string } };
      };
      const { verb, namespace } = spec.resourceAttributes;
      answer({ status: { allowed: allowed(verb, namespace) } });
    } else if (path === '/apis/cert-manager.io' && certManager) answer({ kind: 'APIGroup' });
    else if (path.startsWith('/apis/apps/v1/deployments')) answer({ items });
    else response.writeHead(path.includes('/pods') ? 403 : 404).end('{}');
  });
  const folder = testFolder();
  const kubeconfig = join(folder, 'kubeconfig');
  const cluster = { server: server.url, 'certificate-authority': caFile };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user: { token: 'open-sesame' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'web' } }],
      'current-context': 'x',
    }),
  );
  const config = join(folder, 'reloader.yml');
  writeFileSync(
    config,
    `sources: [{type: kubernetes, kubeconfig: ${kubeconfig}, namespaces: ${namespaces}}]\n`,
  );
  const { stdout } = await cli('doctor', '--json', '-c', config, '-p', '/nowhere');
  expect(stdout).not.toContain('open-sesame');
  const { findings } = JSON.parse(stdout) as { findings: Record<'check' | 'verdict' | 'detail', string>[] };
  return findings
    .filter(({ check }) => check === 'Kubernetes')
    .map(({ verdict, detail }) => `${verdict} ${detail}`);
}

it('says what may be read, and who else renews in the cluster', async () => {
  const images = [
    'quay.io/jetstack/cert-manager-controller:v1.16.1',
    'kong/kubernetes-ingress-controller:3.5@sha256:0',
  ];
  expect(await examined({ allowed: () => true, images, certManager: true })).toEqual([
    'ok the API server answers (Kubernetes v1.31.2)',
    'ok Secrets of every namespace may be read and watched',
    'ok cert-manager is installed (v1.16.1)',
    'ok the Kong Ingress Controller is there (3.5); takeover says who swaps',
  ]);
});

test.for([
  [
    'nothing',
    { allowed: () => false },
    '[shop]',
    'fail Secrets of namespace shop: get, list, watch not allowed',
  ],
  [
    'only the own namespace',
    { allowed: (_: string, namespace?: string) => namespace === 'web' },
    '[]',
    'warn Secrets of the own namespace web alone may be read',
  ],
  [
    'reading without watching',
    { allowed: (verb: string) => verb !== 'watch' },
    '[]',
    'warn Secrets of every namespace may not be watched: every poll lists them',
  ],
] as [string, Cluster, string, string][])('%s is allowed', async ([, cluster, namespaces, expected]) => {
  expect(await examined(cluster, namespaces)).toContain(expected);
});
