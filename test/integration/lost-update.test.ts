import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { AdminClient, DeclarativeGateway, type AdminResponse } from '../../src/gateway';
import { createPass } from '../../src/app/pass';
import { DirectorySource } from '../../src/sources';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { ScriptedController } from '../support/controller';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { turns } from '../support/turns';

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
  const kong = await connect({ prefix: gateway.prefix }, {});
  onTestFinished(() => kong.client.close());
  const push = async () => {
    routes = ['/', '/new'];
    await controller.sync();
  };
  return {
    ...{ gateway, certs, push, next },
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

it('what somebody posts while Kong works on our post is put back together with our certificate', async () => {
  const { gateway, push, routes, next, runner } = await contended();
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    await push();
    // A real Kong takes 40 ms and more to check a configuration.
    await turns(60);
  });
  const { events } = await runner.pass('start');
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
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

/** A client of which somebody hears when it has got the configuration, before anybody else does. */
class Overheard extends AdminClient {
  /** Nothing of `/status` is asked for before that is over. */
  status = Promise.resolve();
  #exports = 0;

  constructor(
    url: string,
    private readonly exported: (count: number) => Promise<void>,
  ) {
    super({ url });
    onTestFinished(() => this.close());
  }

  override async get(path: string): Promise<AdminResponse> {
    if (path === '/status') await this.status;
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

it('what was made from a configuration that is another one by now is never posted', async () => {
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

it('what somebody posts between two looks at Kong is put back, not what was there before', async () => {
  const { gateway, certs, push, routes, next } = await contended();
  let pushed = () => {};
  const isPushed = new Promise<void>((resolve) => (pushed = resolve));
  const client = new Overheard(gateway.adminUrl, async (count) => {
    // The first one was for the document; this one is asked for along with the post.
    if (count !== 2) return;
    await push();
    pushed();
  });
  gateway.beforePost(async ({ body }) => {
    if (!('config' in body)) return;
    client.status = isPushed;
    await isPushed;
    await turns(60);
  });
  await runnerOf(client, certs).pass('start');
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('what somebody posts with our certificate in it already is put back, too', async () => {
  const { gateway, certs, push, routes, takeRenewal, next } = await contended();
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    takeRenewal();
    await push();
    await turns(60);
  });
  await runnerOf(new Overheard(gateway.adminUrl, () => Promise.resolve()), certs).pass('start');
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('what somebody posts during each of our tries is put back, however many those are', async () => {
  const { gateway, wantRoutes, routes, next, runner } = await contended();
  const wanted = ['/'];
  gateway.beforePost(async ({ body }) => {
    if (!('config' in body) || wanted.length > 5) return;
    wanted.push(`/new-${wanted.length}`);
    await wantRoutes([...wanted]);
    await turns(60);
  });
  await runner.pass('start');
  expect(routes().flat().sort()).toEqual(wanted);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});
