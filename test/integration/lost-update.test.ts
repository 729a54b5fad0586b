import { expect, it, onTestFinished } from 'vitest';
import { connect } from '../../src/app/connection';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/config';
import { AdminClient, DeclarativeTarget, type AdminResponse } from '../../src/kong';
import { Reconciler } from '../../src/reconcile';
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
  const certificate = {
    id: '3d1f6a52-8f0b-4c7e-9a4e-6f1d2b3c4d5e',
    cert: old.chain,
    key: old.key,
    sni: HOST,
  };
  const controller = new ScriptedController(gateway.adminUrl, { certificate, routes: ['/'] });
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
    controller.state = { ...controller.state, routes: ['/', '/new'] };
    await controller.sync();
  };
  const routes = () => gateway.entities('routes').map((route) => route['paths']);
  return { gateway, certs, push, routes, next, reconciler: compose(config, kong).reconciler };
}

it('what somebody posts while Kong works on our post is put back together with our certificate', async () => {
  const { gateway, push, routes, next, reconciler } = await contended();
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    await push();
    // A real Kong takes 40 ms and more to check a configuration.
    await turns(60);
  });
  const { events } = await reconciler.pass('start');
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

it('while Kong is busy with somebody else, what we post is made anew from what that one posted', async () => {
  const { gateway, push, routes, next, reconciler } = await contended();
  const free = gateway.inject({
    ...{ method: 'POST', path: OUR_POST, times: Infinity, status: 429, headers: { 'retry-after': '1' } },
    body: { message: 'Currently processing another configuration' },
  });
  const passing = reconciler.pass('start');
  await eventually('Kong was busy', () => gateway.requests.some(({ status }) => status === 429));
  await push();
  free();
  const { events } = await passing;
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(await servedLeaf(gateway.tlsPort, HOST)).toBe(leafOf(next.cert));
});

/** A client whose first export is out of date as soon as it is there. */
class Overtaken extends AdminClient {
  #isFirst = true;

  constructor(
    url: string,
    private readonly overtake: () => Promise<void>,
  ) {
    super({ url });
  }

  override async get(path: string): Promise<AdminResponse> {
    const answer = await super.get(path);
    if (path === '/config' && this.#isFirst) {
      this.#isFirst = false;
      await this.overtake();
    }
    return answer;
  }
}

it('what was made from a configuration that is another one by now is never posted', async () => {
  const { gateway, certs, push, routes } = await contended();
  const client = new Overtaken(gateway.adminUrl, push);
  onTestFinished(() => client.close());
  const reconciler = new Reconciler({
    sources: [new DirectorySource(certs, false)],
    target: new DeclarativeTarget(client),
    verifier: null,
    observe: false,
    allowDowngrade: false,
    rollback: false,
    takeover: { mode: 'force', graceMs: 0, nudger: null },
  });
  const { events } = await reconciler.pass('start');
  expect(events.map(({ outcome }) => outcome.kind)).toEqual(['swapped']);
  expect(routes().flat().sort()).toEqual(['/', '/new']);
  expect(
    gateway.requests.filter(({ method, path }) => method === 'POST' && OUR_POST.test(path)),
  ).toHaveLength(1);
});
