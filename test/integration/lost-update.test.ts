import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { AdminClient, DeclarativeGateway, type AdminResponse } from '../../src/gateway';
import { createPass } from '../../src/app/pass';
import { DirectorySource } from '../../src/sources';
import { startGateway, type Gateway } from '../gateway';
import { issue } from '../support/bundles';
import { ScriptedController } from '../support/controller';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'shop.example.test';
const OUR_POST = /^\/config\?check_hash/;
const renewed = (minutes: number) =>
  issue({ names: [HOST], notBefore: new Date(Date.now() - minutes * 60_000) });

/** A gateway that somebody else posts to, and a renewal that is about to be written. */
async function contended() {
  const gateway = await startGateway({ mode: 'dbless' });
  onTestFinished(() => gateway.stop());
  const old = renewed(60);
  let certificate = {
    id: '3d1f6a52-8f0b-4c7e-9a4e-6f1d2b3c4d5e',
    cert: old.chain,
    key: old.key,
    ...{ snis: [HOST], tags: [] },
  };
  let routes = ['/'];
  const controller = new ScriptedController(gateway.adminUrl, 'dbless', () => ({
    ...{ certificates: [certificate], routes },
  }));
  await controller.sync();
  const certs = testFolder();
  const next = renewed(1);
  writePair(certs, 'www', next);
  const config = completeConfig({
    takeover_grace: 0,
    sources: [{ type: 'directory', path: certs, create: false }],
  });
  const lost: string[] = [];
  const kong = await connect({ prefix: gateway.prefix, onLost: (detail) => lost.push(detail) }, {});
  onTestFinished(() => kong.client.close());
  const push = async () => {
    routes = ['/', '/new'];
    await controller.sync();
  };
  return {
    ...{ gateway, certs, push, next, lost },
    runner: compose(config, kong),
    routes: () => gateway.entities('routes').map((route) => route['paths']),
    wantRoutes: async (paths: string[]) => {
      routes = paths;
      await controller.sync();
    },
    takeRenewal: () => {
      certificate = { ...certificate, cert: next.chain, key: next.key };
    },
  };
}

it('an update that another writer posts while Kong works on ours is restored together with our certificate', async () => {
  const { gateway, push, routes, next, runner } = await contended();
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    await push();
    // A real Kong takes 40 ms and more to check a configuration.
    await isRead(gateway);
  });
  const { events } = await runner.pass('start');
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('an update that another writer posts while Kong answers no request cannot be restored, and that is logged', async () => {
  const { gateway, push, routes, lost, next, runner } = await contended();
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    const free = gateway.inject({ method: 'GET', times: Infinity, delayMs: 300 });
    await push();
    free();
  });
  await runner.pass('start');
  expect(routes().flat()).toEqual(['/']);
  expect(lost).toEqual(['Kong could not be asked for it in time']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('nothing is said to be lost where nobody else posts, or where it was restored', async () => {
  const { gateway, certs, push, lost, runner } = await contended();
  await runner.pass('start');
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    await push();
    await isRead(gateway);
  });
  writePair(certs, 'www', renewed(0));
  await runner.pass('poll');
  expect(lost).toEqual([]);
});

it('a post of another writer that is under way is waited for, and ours is based on its result', async () => {
  const { gateway, certs, takeRenewal, push, routes, lost, runner } = await contended();
  // From then on Kong's load at rest is known.
  await runner.pass('start');
  takeRenewal();
  const next = renewed(0);
  writePair(certs, 'www', next);
  gateway.clearRequests();
  gateway.inject({ method: 'POST', path: /^\/config\?flatten/, delayMs: 200 });
  const pushing = push();
  await eventually('it is under way', async () => {
    const status = (await (await fetch(`${gateway.adminUrl}/status`)).json()) as {
      server: { connections_writing: number };
    };
    return status.server.connections_writing > 3;
  });
  await runner.pass('poll');
  await pushing;
  const ours = gateway.requests.filter(({ method, path }) => method === 'POST' && OUR_POST.test(path));
  expect(ours).toHaveLength(1);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
  expect(lost).toEqual([]);
});

it('while Kong is busy with somebody else, what we post is made anew from what that one posted', async () => {
  const { gateway, push, routes, next, runner } = await contended();
  const free = gateway.inject({
    ...{ method: 'POST', path: OUR_POST, times: Infinity, status: 429, headers: { 'retry-after': '1' } },
    body: { message: 'Currently processing another configuration' },
  });
  const passing = runner.pass('start');
  await eventually('Kong was busy', () => gateway.requests.some(({ status }) => status === 429));
  await push();
  free();
  const { events } = await passing;
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

/** Until what somebody else posted last was read, and everybody who looks has seen enough. */
async function isRead(gateway: Gateway): Promise<void> {
  await eventually('it was looked at', () => {
    const asked = gateway.requests.map(({ method, path }) => `${method} ${path}`);
    const since = asked.slice(asked.findLastIndex((one) => one.startsWith('POST /config?flatten')));
    const read = since.lastIndexOf('GET /config');
    return read !== -1 && since.slice(read).filter((one) => one === 'GET /status').length >= 6;
  });
}

/** A client of which somebody hears when it has got the configuration, before anybody else does. */
class Overheard extends AdminClient {
  #exports = 0;

  constructor(
    url: string,
    private readonly exported: (count: number) => Promise<void>,
  ) {
    super({ url });
    onTestFinished(() => super.close());
  }

  override fresh(): AdminClient {
    return this;
  }

  override close(): void {
    // The lookout closes its connection after the post.
  }

  override async get(path: string): Promise<AdminResponse> {
    const answer = await super.get(path);
    if (path === '/config') await this.exported(++this.#exports);
    return answer;
  }
}

const runnerOf = (client: AdminClient, certs: string) =>
  createPass({
    sources: [new DirectorySource(certs, false)],
    gateway: new DeclarativeGateway(client),
    verifier: null,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });

it('a post based on a configuration that has changed meanwhile is never sent', async () => {
  const { gateway, certs, push, routes } = await contended();
  const client = new Overheard(gateway.adminUrl, async (count) => {
    if (count === 1) await push();
  });
  const runner = runnerOf(client, certs);
  const { events } = await runner.pass('start');
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(
    gateway.requests.filter(({ method, path }) => method === 'POST' && OUR_POST.test(path)),
  ).toHaveLength(1);
});

it('an update that another writer posts between two looks at Kong is restored, not the state before it', async () => {
  const { gateway, certs, push, routes, next } = await contended();
  let pushed = () => {};
  const isPushed = new Promise<void>((resolve) => (pushed = resolve));
  const client = new Overheard(gateway.adminUrl, async (count) => {
    // The first one was for the document; this one is the first look during the post.
    if (count !== 2) return;
    await push();
    pushed();
  });
  gateway.beforePost(async ({ body }) => {
    if (!('config' in body)) return;
    await isPushed;
    await isRead(gateway);
  });
  await runnerOf(client, certs).pass('start');
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('an update of another writer that contains our certificate already is restored, too', async () => {
  const { gateway, certs, push, routes, takeRenewal, next } = await contended();
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    takeRenewal();
    await push();
    await isRead(gateway);
  });
  await runnerOf(new Overheard(gateway.adminUrl, () => Promise.resolve()), certs).pass('start');
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('updates that another writer posts during each of our tries are restored, however many tries there are', async () => {
  const { gateway, wantRoutes, routes, next, runner } = await contended();
  const wanted = ['/'];
  gateway.beforePost(async ({ body }) => {
    if (!('config' in body) || wanted.length > 5) return;
    wanted.push(`/new-${wanted.length}`);
    await wantRoutes([...wanted]);
    await isRead(gateway);
  });
  await runner.pass('start');
  expect(routes().flat().sort()).toEqual(wanted);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});
