import { expect, it, onTestFinished } from 'vitest';
import { setTimeout as sleep } from 'node:timers/promises';
import { completeConfig } from '../../src/app/config';
import { startGateway, type Gateway } from '../gateway';
import { issue } from '../support/bundles';
import { testFolder, writePair } from '../support/folders';
import { eventually } from '../support/eventually';
import { leafOf, servedLeaf } from '../support/tls';
import { ScriptedController } from '../support/controller';
import { turns } from '../support/turns';
import { startReloader } from '../support/reloader';

const HOST = 'shop.example.test';
const UID = '3d1f6a52-8f0b-4c7e-9a4e-6f1d2b3c4d5e';
const GRACE_S = 1;
const INTERVAL_S = 1;
/** Grace and two intervals, and what it takes to notice. */
const LIMIT_MS = (GRACE_S + 2 * INTERVAL_S) * 1000 + 1_500;
const RUN_MS = 15_000;
const TICK_MS = 20;

/** Milliseconds that this process had: those for which a busy machine kept it waiting do not count. */
function ownClock(): () => number {
  let [had, last] = [0, performance.now()];
  const timer = setInterval(() => {
    const now = performance.now();
    had += Math.min(now - last, 2 * TICK_MS);
    last = now;
  }, TICK_MS);
  onTestFinished(() => clearInterval(timer));
  return () => had;
}

/**
 * A real Kong takes 40 ms and more to load a configuration, and takes no other one meanwhile; the stand-in none.
 * @returns resolves when it loads none of ours
 */
function loadSlowly(gateway: Gateway): () => Promise<void> {
  let loading = Promise.resolve();
  gateway.beforePost(({ body }) => (isOurs(body) ? (loading = turns(60)) : undefined));
  return () => loading;
}

const isOurs = (body: object) => 'config' in body;

/** Pseudo-random numbers below `n`, the same in every run. */
function dice(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

it('an ingress controller that pushes at random moments loses no route, and no old certificate is served for long', async () => {
  const roll = dice(20_260_601);
  const renew = (round: number) =>
    issue({ names: [HOST], notBefore: new Date(Date.now() - (3_600 - round) * 1000) });
  let pair = renew(0);
  const asWritten = ({ chain, key }: typeof pair) => ({ cert: chain.trim(), key: key.trim() });
  const gateway = await startGateway({ mode: 'dbless' });
  onTestFinished(() => gateway.stop());
  // A certificate of its own Secret would be followed there alone; this one comes from the folder, too.
  const certificate = () => ({ id: UID, ...asWritten(pair), snis: [HOST], tags: [] });
  let state = { certificates: [certificate()], routes: ['/'] };
  const controller = new ScriptedController(gateway.adminUrl, 'dbless', () => state);
  await controller.sync();
  const routes = () =>
    gateway
      .entities('routes')
      .flatMap((route) => route['paths'] as string[])
      .sort()
      .join();
  const folder = testFolder();
  writePair(folder, 'www', pair);
  const config = completeConfig({
    interval: INTERVAL_S,
    takeover_grace: GRACE_S,
    sources: [{ type: 'directory', path: folder, create: false }],
  });
  await startReloader(gateway.prefix, config);

  // The newest certificate that there is, since when another one is served, and the longest that this ever took.
  let [newest, staleSince, longest, renewals] = [leafOf(pair.cert), 0, 0, 0];
  const take = () => {
    state = { ...state, certificates: [certificate()] };
  };
  const loaded = loadSlowly(gateway);
  const now = ownClock();
  while (now() < RUN_MS || renewals < 3 || controller.posts < 21) {
    const what = roll(12);
    // The controller takes a renewal at once, late, or after it has long been served.
    if (what === 0 && staleSince === 0) {
      pair = renew(++renewals);
      newest = leafOf(pair.cert);
      writePair(folder, 'www', pair);
      if (roll(4) === 0) take();
    } else if (what === 1) take();
    else if (what < 6) state = { ...state, routes: [...state.routes, `/r${controller.posts}`] };
    await loaded();
    await controller.sync();
    await sleep(roll(80));
    const wanted = [...state.routes].sort().join();
    await eventually('Kong has every route', () => routes() === wanted);
    const isServed = (await servedLeaf(gateway.tlsPort, HOST)) === newest;
    if (isServed) staleSince = 0;
    else {
      staleSince ||= now();
      longest = Math.max(longest, now() - staleSince);
    }
  }
  await eventually(
    'the last renewal is served',
    async () => (await servedLeaf(gateway.tlsPort, HOST)) === newest,
  );
  const ours = gateway.requests.filter(({ method }) => method === 'POST').length - controller.posts;
  expect(ours, 'writes of ours').toBeGreaterThan(2);
  expect(longest, 'an old certificate was served for this long').toBeLessThan(LIMIT_MS);
});
