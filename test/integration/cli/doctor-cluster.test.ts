import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { cli } from '../../support/cli';
import { testFolder } from '../../support/folders';
import { httpsServer, testAuthority } from '../../support/https-server';

interface Asked {
  resource: string;
  verb: string;
  /** Undefined: in every namespace. */
  namespace?: string;
  /** Undefined: all of them. */
  name?: string;
}

/** Answers of an API server. */
interface Cluster {
  allowed: (asked: Asked) => boolean;
  images?: string[];
  certManager?: boolean;
}

/** The doctor's findings about a cluster that a source of type kubernetes names. */
async function examined({ allowed, images = [], certManager = false }: Cluster, ...sources: object[]) {
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
      const { spec } = JSON.parse(body) as { spec: { resourceAttributes: Asked } };
      answer({ status: { allowed: allowed(spec.resourceAttributes) } });
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
  const all = sources.map((source) => ({ type: 'kubernetes', kubeconfig, ...source }));
  writeFileSync(config, JSON.stringify({ sources: all }));
  const { stdout } = await cli('doctor', '--json', '-c', config, '-p', '/nowhere');
  expect(stdout).not.toContain('open-sesame');
  const { findings } = JSON.parse(stdout) as { findings: Record<'check' | 'verdict' | 'detail', string>[] };
  return findings
    .filter(({ check }) => check === 'Kubernetes')
    .map(({ verdict, detail }) => `${verdict} ${detail}`);
}

it('says what may be read, and who else writes certificates in the cluster', async () => {
  const images = [
    'quay.io/jetstack/cert-manager-controller:v1.16.1',
    'kong/kubernetes-ingress-controller:3.5@sha256:0',
  ];
  expect(await examined({ allowed: () => true, images, certManager: true }, {})).toEqual([
    'ok the API server answers (Kubernetes v1.31.2)',
    'ok Secrets of every namespace may be read and watched',
    'ok cert-manager is installed (v1.16.1)',
    'ok the Kong Ingress Controller runs here (3.5); takeover decides who swaps',
  ]);
});

test.for<[string, Cluster['allowed'], object[], string[]]>([
  [
    'nothing',
    () => false,
    [{ namespaces: ['shop'] }],
    ['fail Secrets of namespace shop: get, list, watch not allowed'],
  ],
  [
    'only the own namespace',
    ({ namespace }) => namespace === 'web',
    [{}],
    ['warn only Secrets of the own namespace web may be read'],
  ],
  [
    'reading without watching',
    ({ verb }) => verb !== 'watch',
    [{}],
    ['warn Secrets of every namespace may not be watched: every poll lists them'],
  ],
  [
    'one Secret, which the source names',
    ({ name }) => name === 'www-tls',
    [{ namespaces: ['shop'], names: ['www-tls'] }],
    ['ok Secrets named www-tls of namespace shop may be read and watched'],
  ],
  [
    'reading one Secret that the source names',
    ({ name, verb }) => name === 'www-tls' && verb === 'get',
    [{ namespaces: ['shop'], names: ['www-tls'] }],
    [
      'ok Secrets named www-tls of namespace shop may be read; without list and watch, only a poll finds a change',
    ],
  ],
  [
    'the scope of one source and not that of the other',
    ({ resource, namespace }) => resource === 'secrets' && namespace === 'shop',
    [
      { namespaces: ['shop'] },
      { namespaces: ['shop', 'blog'], create: false },
      { trust: true, resource: 'configmaps', namespaces: ['shop'], names: ['bundle'] },
    ],
    [
      'ok Secrets of namespace shop may be read and watched',
      'fail Secrets of namespace blog: get, list, watch not allowed',
      'fail ConfigMaps named bundle of namespace shop: get, list, watch not allowed',
    ],
  ],
])('%s is allowed', async ([, allowed, sources, expected]) => {
  const findings = await examined({ allowed }, ...sources);
  expect(findings.slice(1, 1 + expected.length)).toEqual(expected);
});

it('examines every cluster that a source names, also where one cannot be reached', async () => {
  const away = join(testFolder(), 'away');
  const findings = await examined({ allowed: () => true }, {}, { kubeconfig: away });
  const [, , , , lost] = findings;
  expect(findings[0]).toMatch(/^ok \/.*kubeconfig: the API server answers/);
  expect(findings[1]).toMatch(/^ok \/.*kubeconfig: Secrets of every namespace may be read/);
  expect(lost).toMatch(new RegExp(`^fail ${away}: .*does not exist`));
  const turned = await examined({ allowed: () => true }, { kubeconfig: away }, {});
  expect(turned[0]).toMatch(new RegExp(`^fail ${away}: `));
  expect(turned[1]).toMatch(/^ok .*the API server answers/);
});
