import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it, test } from 'vitest';
import { isRefusal } from '../../src/model';
import { issue } from '../support/bundles';
import { readerOf, troubles } from '../support/remote-source';
import { StandInCluster } from '../support/stand-in-cluster';

const pair = issue();
const MIB = 1024 * 1024;

const readerIn = (cluster: StandInCluster, more: object = {}) =>
  readerOf({ type: 'kubernetes', kubeconfig: cluster.kubeconfig(), ...more }, Infinity);

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Octets that are in use. */
function kept(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

it('a tenant with 150 Secrets of 1 MiB costs itself alone: each is a row, and all others are read', async () => {
  const cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  const large = { ...pair, chain: pair.chain + '\n'.repeat(MIB - pair.chain.length - pair.key.length) };
  for (let index = 0; index < 150; index++) cluster.putSecret('greedy', `big-${index}`, large);
  for (let index = 0; index < 300; index++) cluster.putSecret(`team-${index}`, 'www', pair);
  const reader = readerIn(cluster);
  let most = 0;
  let requests = 0;
  cluster.intercept = () => {
    if (++requests % 6 === 0) most = Math.max(most, kept() - before);
    return null;
  };
  const before = kept();
  const scan = await reader.pass();
  expect(scan).toMatchObject({ total: 450, errors: [] });
  const [refused, read] = [...reader.bundles.values()].reduce<[string[], number]>(
    ([reasons, count], one) => (isRefusal(one) ? [[...reasons, one.reason], count] : [reasons, count + 1]),
    [[], 0],
  );
  expect(read).toBe(300);
  expect(refused).toHaveLength(150);
  expect(new Set(refused)).toEqual(new Set(['too_large']));
  // All of them together are 200 MiB.
  expect(most).toBeLessThan(30 * MIB);
});

it('goes back to large pages once the large Secrets are behind it', async () => {
  const cluster = await StandInCluster.start();
  const large = { ...pair, chain: pair.chain + '\n'.repeat(MIB / 2) };
  for (let index = 0; index < 20; index++) cluster.putSecret('greedy', `big-${index}`, large);
  for (let index = 0; index < 3_000; index++) cluster.putSecret('many', `www-${index}`, pair);
  const reader = readerIn(cluster);
  const { total } = await reader.source.scan();
  expect(total).toBe(3_020);
  expect(cluster.requests().length).toBeLessThan(50);
});

it('a tenant with more Secrets than are read costs itself alone, and is named', async () => {
  const cluster = await StandInCluster.start();
  const secret = (namespace: string, name: string, data: object) => ({
    metadata: { name, namespace, uid: `${namespace}-${name}`, resourceVersion: '1' },
    type: 'kubernetes.io/tls',
    data,
  });
  const [cert, key] = [pair.chain, pair.key].map((text) => Buffer.from(text).toString('base64'));
  const www = secret('zoo', 'www', { 'tls.crt': cert, 'tls.key': key });
  let left = 110_000;
  cluster.intercept = (_, { searchParams }) => {
    const limit = Number(searchParams.get('limit'));
    const items = Array.from({ length: Math.min(limit, left) }, () =>
      secret('greedy', `s${(left -= 1)}`, {}),
    );
    const metadata = { resourceVersion: '1', continue: left === 0 ? '' : 'more' };
    const body = JSON.stringify({ metadata, items: left === 0 ? [...items, www] : items });
    return (response) => response.end(body);
  };
  const scan = await readerIn(cluster).source.scan();
  expect(scan.changed).toEqual(['zoo/www']);
  expect(troubles(scan)).toContain('too_large: namespace greedy holds more Secrets than are read');
});

it('a tenant whose Ingresses ask for more hosts than are read costs itself alone, and is named', async () => {
  const cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  const ingress = (namespace: string, name: string, hosts: string[]) =>
    cluster.put('ingresses', {
      metadata: { name, namespace },
      spec: { tls: [{ hosts, secretName: 'www' }] },
    });
  for (let index = 0; index < 60; index++)
    ingress(
      'greedy',
      `x${index}`,
      Array.from({ length: 1_000 }, (_, at) => `h${at}.x${index}.test`),
    );
  ingress('shop', 'www', ['www.example.test']);
  for (const namespace of ['greedy', 'shop']) cluster.putSecret(namespace, 'www', pair);
  const reader = readerIn(cluster, { hosts: 'references', create: true });
  const said = 'too_large: the Ingresses and Gateways of namespace greedy ask for more hosts than are read';
  expect(troubles(await reader.pass())).toBe(said);
  const hostsOf = (name: string) => {
    const found = reader.bundles.get(name);
    return found === undefined || isRefusal(found) ? [] : (found.hosts ?? []);
  };
  expect(hostsOf('shop/www')).toEqual(['www.example.test']);
  expect(hostsOf('greedy/www').length).toBeLessThan(50_000);
  for (let index = 0; index < 15; index++) cluster.remove('ingresses', 'greedy', `x${index}`);
  for (let index = 45; index < 60; index++)
    ingress(
      'greedy',
      `x${index}`,
      Array.from({ length: 900 }, (_, at) => `h${at}.y${index}.test`),
    );
  expect(troubles(await reader.pass())).toBe('');
});

it('a watch of ever more objects is given up', async () => {
  const cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  const reader = readerIn(cluster);
  await reader.pass();
  let sent = 0;
  cluster.intercept = (_, { searchParams }) =>
    searchParams.get('watch') !== '1'
      ? null
      : (response) => {
          const more = () => {
            let isTaken = true;
            while (isTaken && !response.destroyed && sent < 10_000_000) {
              const metadata = { name: `s${(sent += 1)}`, namespace: `n${sent}`, resourceVersion: '9' };
              isTaken = response.write(`${JSON.stringify({ type: 'ADDED', object: { metadata } })}\n`);
            }
          };
          response.on('drain', more);
          more();
        };
  expect(troubles(await reader.source.scan())).toContain('holds more than 100000 objects');
  expect(sent).toBeLessThan(1_000_000);
});

test.for([
  ['lists that never end', (page: number) => ({ items: [], continue: `page-${page}` })],
  [
    'lists of ever more objects',
    (page: number) => ({
      items: Array.from({ length: 250 }, (_, index) => ({
        metadata: { name: `www-${page}-${index}`, namespace: 'shop', resourceVersion: '1' },
      })),
      continue: `page-${page}`,
    }),
  ],
] as const)('%s are given up, and said', async ([, pageOf]) => {
  const cluster = await StandInCluster.start();
  let page = 0;
  cluster.intercept = () => (response) => {
    const { items, continue: token } = pageOf(++page);
    response.end(JSON.stringify({ metadata: { resourceVersion: '1', continue: token }, items }));
  };
  const scan = await readerIn(cluster).source.scan();
  expect(troubles(scan)).toContain('unreachable: Secrets in all namespaces cannot be read: the list of');
  expect(scan.changed).toEqual([]);
});

test.for([
  ['a web page', '<!doctype html><title>Sign in</title>'],
  ['an empty body', ''],
  ['null', 'null'],
  ['an array', '[]'],
  ['another object', '{"hello":"world"}'],
  ['a list of nothing', '{"metadata":{"resourceVersion":"1"},"items":null}'],
  ['a list of something else', '{"metadata":{"resourceVersion":"1"},"items":[null,5,{"metadata":null}]}'],
  ['a list without a version', '{"metadata":{},"items":[]}'],
] as const)('%s in place of an answer is said in a sentence', async ([, body]) => {
  const cluster = await StandInCluster.start();
  cluster.intercept = () => (response) => response.end(body);
  const scan = await readerIn(cluster).source.scan();
  const said = troubles(scan);
  expect(said).toMatch(
    /^unreachable: Secrets in all namespaces cannot be read: .* (answers?|is address right)/,
  );
  expect(said).not.toMatch(/TypeError|undefined|JSON|doctype/);
});

it('Secrets whose data is not what it should be are not bundles, and hide no other', async () => {
  const cluster = await StandInCluster.start();
  const odd = [{ 'tls.crt': 5, 'tls.key': null }, 'text', ['tls.crt'], null, { 'tls.crt': { a: 1 } }];
  for (const [index, data] of odd.entries()) {
    cluster.put('secrets', {
      metadata: { name: `odd-${index}`, namespace: 'shop' },
      type: 'kubernetes.io/tls',
      data,
    });
  }
  cluster.putSecret('shop', 'www', pair);
  const reader = readerIn(cluster);
  expect(await reader.pass()).toMatchObject({ total: 1, errors: [] });
  expect(reader.names).toEqual(['shop/www']);
});

test.for([
  ['a line without an end', `{"type":"ADDED","object":"${'x'.repeat(5 * MIB)}`],
  ['something else than events', 'hello\nworld\n'],
  ['events without an object', '{"type":"ADDED"}\n'],
  ['objects without a name', '{"type":"ADDED","object":{"metadata":{"resourceVersion":"9"}}}\n'],
] as const)('a watch that sends %s is given up, and said', async ([, text]) => {
  const cluster = await StandInCluster.start();
  cluster.putSecret('shop', 'www', pair);
  const reader = readerIn(cluster);
  await reader.pass();
  cluster.intercept = (_, { searchParams }) =>
    searchParams.get('watch') === '1' ? (response) => response.end(text) : null;
  expect(troubles(await reader.source.scan())).toMatch(
    /^unreachable: Secrets in all namespaces cannot be read/,
  );
  cluster.intercept = () => null;
  cluster.secondMs = 20;
  expect(await reader.pass()).toMatchObject({ changed: [], removed: [], total: 1, errors: [] });
});
