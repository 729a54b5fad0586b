import { expect, it } from 'vitest';
import type { AdminClient } from '../../../src/gateway';
import { StreamRoutes } from '../../../src/gateway/admin/stream-routes';

const TLS = { protocols: ['tls'] };
const seconds = (ago: number) => Math.floor(Date.now() / 1000) - ago;

async function reading(routes: readonly object[], newMs = 0) {
  const body = { data: routes, next: null };
  const client = { url: '', get: () => Promise.resolve({ status: 200, body }) } as unknown as AdminClient;
  const found = new StreamRoutes(client, () => newMs);
  await found.refresh();
  return found;
}

it.for<[string, readonly object[], boolean]>([
  ['no route', [], false],
  ['a route that asks for the name', [{ ...TLS, snis: ['a.test'] }], true],
  ['a route that asks for another name', [{ ...TLS, snis: ['b.test'] }], false],
  ['a route for the port', [{ ...TLS, destinations: [{ port: 9443 }] }], true],
  ['a route for another port', [{ ...TLS, snis: ['a.test'], destinations: [{ port: 1 }] }], false],
  ['a route for an address', [{ ...TLS, snis: ['a.test'], destinations: [{ ip: '127.0.0.1' }] }], true],
  ['a route of http', [{ protocols: ['https'], snis: ['a.test'] }], false],
  ['a route of plain tcp', [{ protocols: ['tcp'], destinations: [{ port: 9443 }] }], false],
  ['a route that passes TLS on', [{ protocols: ['tls_passthrough'], snis: ['a.test'] }], false],
  [
    'one that passes it on beside one that does not',
    [
      { ...TLS, snis: ['a.test'] },
      { protocols: ['tls_passthrough'], snis: ['a.test'] },
    ],
    false,
  ],
])(
  '%s: a name at a port of the stream proxy gets a certificate of Kong or not',
  async ([, routes, isAsked]) => {
    expect((await reading(routes)).leadTo(9443, 'a.test')).toBe(isAsked);
  },
);

it('a route that is new in the database is not asked for yet', async () => {
  const route = (ago: number) => [{ ...TLS, snis: ['a.test'], updated_at: seconds(ago) }];
  expect((await reading(route(5), 10_000)).leadTo(9443, 'a.test')).toBe(false);
  expect((await reading(route(15), 10_000)).leadTo(9443, 'a.test')).toBe(true);
});

it('without an answer of Kong no name has a route', async () => {
  const client = { url: '', get: () => Promise.reject(new Error('away')) } as unknown as AdminClient;
  const routes = new StreamRoutes(client, () => 0);
  await routes.refresh();
  expect(routes.leadTo(9443, 'a.test')).toBe(false);
});
