import { beforeEach, describe, expect, it, onTestFinished, test } from 'vitest';
import { isRefusal } from '../../../../src/model';
import { issue } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { readerOf, troubles } from '../../../support/remote-source';
import type { Reader } from '../../../support/scans';
import { sendStatus, StandInCluster } from '../../../support/stand-in-cluster';

const pair = issue();
const GATEWAY_API = '/apis/gateway.networking.k8s.io';
const EVERY = 'every name of its leaf';

let cluster: StandInCluster;
let reader: Reader;
beforeEach(async () => {
  cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  cluster.install(`${GATEWAY_API}/v1`, 'gateways', 'httproutes', 'listenersets');
  cluster.install(`${GATEWAY_API}/v1beta1`, 'referencegrants');
  cluster.install(`${GATEWAY_API}/v1alpha3`, 'tlsroutes');
  reader = readerOf(
    { type: 'kubernetes', kubeconfig: cluster.kubeconfig(), create: true, hosts: 'references' },
    Infinity,
  );
});

const metadata = (at: string, more: object = {}) => {
  const [namespace = '', name = ''] = at.split('/');
  return { namespace, name, ...more };
};
const secret = (at: string) => {
  const { namespace, name } = metadata(at);
  cluster.putSecret(namespace, name, pair);
};
const ingress = (at: string, hosts: string[], secretName: string, more: object = {}) =>
  cluster.put('ingresses', { metadata: metadata(at, more), spec: { tls: [{ hosts, secretName }] } });
const gateway = (at: string, listeners: object[], more: object = {}) =>
  cluster.put('gateways', { metadata: metadata(at, more), spec: { listeners } });
const listener = (secretName: string, more: object = {}, namespace?: string) => ({
  name: 'https',
  tls: { certificateRefs: [{ name: secretName, ...(namespace === undefined ? {} : { namespace }) }] },
  ...more,
});
const grant = (at: string, from: string, name?: string) =>
  cluster.put('referencegrants', {
    metadata: metadata(at),
    spec: {
      from: [{ group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: from }],
      to: [{ group: '', kind: 'Secret', ...(name === undefined ? {} : { name }) }],
    },
  });
const route = (plural: string, at: string, hostnames: string[], parent: object) =>
  cluster.put(plural, { metadata: metadata(at), spec: { hostnames, parentRefs: [parent] } });

/** For which hosts each Secret is asked for. */
async function hosts(): Promise<Record<string, string>> {
  await reader.settle();
  const found: Record<string, string> = {};
  for (const [name, bundle] of reader.bundles) {
    found[name] = isRefusal(bundle) ? bundle.reason : (bundle.hosts?.join() ?? EVERY);
  }
  return found;
}

describe('a Secret of another namespace', () => {
  beforeEach(() => {
    secret('certs/www');
    gateway('edge/main', [listener('www', { hostname: 'www.example.test' }, 'certs')]);
  });

  it('is asked for while a ReferenceGrant there lets it', async () => {
    expect(await hosts()).toEqual({ 'certs/www': '' });
    grant('certs/edge', 'edge');
    expect(await hosts()).toEqual({ 'certs/www': 'www.example.test' });
    cluster.remove('referencegrants', 'certs', 'edge');
    expect(await hosts()).toEqual({ 'certs/www': '' });
  });

  it.each([
    ['of another namespace', () => grant('other/edge', 'edge')],
    ['for the Gateways of another namespace', () => grant('certs/edge', 'other')],
    ['for another Secret', () => grant('certs/edge', 'edge', 'api')],
    [
      'for another kind',
      () =>
        cluster.put('referencegrants', {
          metadata: metadata('certs/edge'),
          spec: {
            from: [{ group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', namespace: 'edge' }],
            to: [{ group: '', kind: 'Secret' }],
          },
        }),
    ],
  ])('is not asked for with a grant %s', async (_, make) => {
    make();
    expect(await hosts()).toEqual({ 'certs/www': '' });
  });

  it('is asked for with a grant for it alone', async () => {
    grant('certs/edge', 'edge', 'www');
    expect(await hosts()).toEqual({ 'certs/www': 'www.example.test' });
  });
});

describe('listeners of a ListenerSet', () => {
  const listenerSet = (status?: object) =>
    cluster.put('listenersets', {
      metadata: metadata('shop/more'),
      spec: {
        parentRef: { name: 'main', namespace: 'edge' },
        listeners: [listener('www', { hostname: 'a.test' })],
      },
      ...(status === undefined ? {} : { status }),
    });

  it('count as soon as their Gateway takes them', async () => {
    secret('shop/www');
    listenerSet();
    expect(await hosts()).toEqual({ 'shop/www': '' });
    listenerSet({ conditions: [{ type: 'Accepted', status: 'False' }] });
    expect(await hosts()).toEqual({ 'shop/www': '' });
    listenerSet({ conditions: [{ type: 'Accepted', status: 'True' }] });
    expect(await hosts()).toEqual({ 'shop/www': 'a.test' });
  });
});

describe('a listener without a hostname', () => {
  beforeEach(() => {
    secret('shop/www');
    gateway('shop/main', [listener('www')]);
  });

  test.for([
    ['has no route', [], EVERY],
    [
      'has routes with hostnames',
      [
        ['httproutes', ['a.test', 'B.test']],
        ['tlsroutes', ['c.test']],
      ],
      'a.test,b.test,c.test',
    ],
    [
      'has a route without one',
      [
        ['httproutes', ['a.test']],
        ['tlsroutes', []],
      ],
      EVERY,
    ],
  ] as const)('that %s is for: %s', async ([, routes, expected]) => {
    for (const [index, [plural, hostnames]] of routes.entries()) {
      route(plural, `shop/route-${index}`, [...hostnames], { name: 'main', sectionName: 'https' });
    }
    expect(await hosts()).toEqual({ 'shop/www': expected });
  });

  it('has no routes of other Gateways, listeners and namespaces', async () => {
    route('httproutes', 'shop/a', ['a.test'], { name: 'other' });
    route('httproutes', 'shop/b', ['b.test'], { name: 'main', sectionName: 'http' });
    route('httproutes', 'other/c', ['c.test'], { name: 'main' });
    route('httproutes', 'shop/d', ['d.test'], { name: 'main' });
    expect(await hosts()).toEqual({ 'shop/www': 'd.test' });
  });

  test.for([
    ['of its own namespace alone, where it says nothing', {}, EVERY],
    ['of its own namespace alone', { namespaces: { from: 'Same' } }, EVERY],
    ['of every namespace', { namespaces: { from: 'All' } }, 'evil.test'],
  ] as const)('takes routes %s', async ([, allowedRoutes, expected]) => {
    const isSilent = Object.keys(allowedRoutes).length === 0;
    gateway('shop/main', [listener('www', isSilent ? {} : { allowedRoutes })]);
    route('httproutes', 'evil/x', ['evil.test'], { name: 'main', namespace: 'shop' });
    expect(await hosts()).toEqual({ 'shop/www': expected });
  });

  it('is for every host where its routes may not be listed, which is said', async () => {
    cluster.intercept = (_, { pathname }) =>
      pathname.endsWith('routes') ? (response) => sendStatus(response, 403, 'forbidden') : null;
    expect(troubles(await reader.pass())).toContain(
      'a listener without a hostname counts as one for every host',
    );
    expect(await hosts()).toEqual({ 'shop/www': EVERY });
  });
});

describe('a host that two resources ask for', () => {
  const older = { creationTimestamp: '2026-01-01T00:00:00Z' };
  const younger = { creationTimestamp: '2026-02-01T00:00:00Z' };

  it('is that of the older one, until its Secret is gone', async () => {
    secret('shop/new');
    secret('shop/old');
    ingress('shop/new', ['shop.test', 'new.test'], 'new', younger);
    gateway('shop/old', [listener('old', { hostname: 'shop.test' })], older);
    expect(await hosts()).toEqual({ 'shop/new': 'new.test', 'shop/old': 'shop.test' });
    cluster.remove('secrets', 'shop', 'old');
    expect(await hosts()).toEqual({ 'shop/new': 'new.test,shop.test' });
    secret('shop/old');
    expect(await hosts()).toEqual({ 'shop/new': 'new.test', 'shop/old': 'shop.test' });
    cluster.remove('gateways', 'shop', 'old');
    expect(await hosts()).toEqual({ 'shop/new': 'new.test,shop.test', 'shop/old': '' });
  });

  it('is that of the first by name where they are of one age', async () => {
    for (const name of ['b', 'a']) {
      secret(`shop/${name}`);
      ingress(`shop/${name}`, ['shop.test'], name, older);
    }
    expect(await hosts()).toEqual({ 'shop/a': 'shop.test', 'shop/b': '' });
  });

  it('is asked for by both where they are of two namespaces: whose it is, is not decided by who asked first', async () => {
    secret('late/www');
    secret('early/www');
    ingress('late/shop', ['shop.test'], 'www', younger);
    ingress('early/shop', ['shop.test'], 'www', older);
    expect(await hosts()).toEqual({ 'late/www': 'shop.test', 'early/www': 'shop.test' });
  });

  it('is that of both Secrets where one resource names them', async () => {
    secret('shop/rsa');
    secret('shop/ecdsa');
    const tls = { certificateRefs: [{ name: 'rsa' }, { name: 'ecdsa' }] };
    gateway('shop/main', [{ name: 'https', hostname: 'shop.test', tls }]);
    expect(await hosts()).toEqual({ 'shop/rsa': 'shop.test', 'shop/ecdsa': 'shop.test' });
  });
});

it('kinds that the cluster does not have are not missed by who may not list them', async () => {
  const bare = await StandInCluster.start();
  bare.intercept = (_, { pathname }) =>
    /(gateways|listenersets|referencegrants)$/.test(pathname)
      ? (response) => sendStatus(response, 403, 'forbidden')
      : null;
  const source = readerOf({
    type: 'kubernetes',
    kubeconfig: bare.kubeconfig(),
    create: true,
    hosts: 'references',
  });
  expect((await source.pass()).errors).toEqual([]);
  bare.install(`${GATEWAY_API}/v1`, 'gateways');
  const later = readerOf({
    type: 'kubernetes',
    kubeconfig: bare.kubeconfig(),
    create: true,
    hosts: 'references',
  });
  expect(troubles(await later.pass())).toContain('the verb list on gateways in all namespaces is missing');
});

it('a change that says nothing about hosts is no reason for a pass', async () => {
  secret('shop/www');
  const put = (more: object) =>
    cluster.put('ingresses', {
      metadata: metadata('shop/web'),
      spec: { tls: [{ hosts: ['a.test'], secretName: 'www' }] },
      ...more,
    });
  put({});
  const touched: string[] = [];
  const stop = reader.source.watch?.((what) => touched.push(what));
  onTestFinished(() => stop?.());
  cluster.secondMs = 1_000;
  await reader.pass();
  await eventually('everything is watched', () => cluster.watches >= 3);
  touched.length = 0;
  put({ status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } });
  ingress('shop/other', ['b.test'], 'www');
  await eventually('the one that does is seen', () => touched.length > 0);
  expect(touched).toHaveLength(1);
});

it('of an object with more hosts than any has, the first thousand count', async () => {
  secret('shop/www');
  ingress(
    'shop/web',
    Array.from({ length: 5_000 }, (_, index) => `h${index}.test`),
    'www',
  );
  expect((await hosts())['shop/www']?.split(',')).toHaveLength(1_000);
});

it('objects that are not what they should be are passed over', async () => {
  secret('shop/www');
  const specs = [
    null,
    5,
    { tls: 'x' },
    { tls: [null, 7, { secretName: 5, hosts: [{}] }] },
    { tls: [{ secretName: 'www', hosts: [5, 'a.test'] }] },
  ];
  for (const [index, spec] of specs.entries()) {
    cluster.put('ingresses', { metadata: metadata(`shop/odd-${index}`), spec });
    cluster.put('gateways', { metadata: metadata(`shop/odd-${index}`), spec: { listeners: spec } });
    cluster.put('referencegrants', {
      metadata: metadata(`shop/odd-${index}`),
      spec: { from: spec, to: spec },
    });
  }
  expect(await hosts()).toEqual({ 'shop/www': 'a.test' });
});
