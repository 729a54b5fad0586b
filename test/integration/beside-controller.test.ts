import { randomUUID, X509Certificate } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Mode } from '../gateway';
import { besideController, GRACE_S, HOST, renewed, type BesideOptions } from '../support/beside-controller';
import { sendStatus } from '../support/stand-in-cluster';
import { leafOf } from '../support/tls';
import { Authority } from '../../src/authority/authority';

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber;

const MODES = ['dbless', 'database'] as const;
const OTHER = 'new.example.test';

/** A shop that the controller serves already. */
async function shop({ names = [HOST], ...options }: BesideOptions & { names?: string[] }) {
  const world = await besideController(options);
  const pair = renewed(60, names);
  const uid = world.secret(pair);
  world.ingress(names);
  await world.ticks();
  await world.pass('start');
  return { ...world, pair, uid };
}

it.for(MODES)('a Secret that is new gets no certificate of ours beside a controller (%s)', async (mode) => {
  const { secret, ingress, pass, ticks, routes, serves, writes, status } = await shop({ mode });
  const pair = renewed(1, [OTHER]);
  secret(pair, 'new');
  const written = await writes(async () => {
    await pass();
    await pass();
  });
  expect(written).toEqual([]);
  expect(JSON.stringify(status())).toContain('beside the ingress controller');
  ingress([OTHER], 'new');
  expect(await ticks(2)).toEqual(['pushed', 'unchanged']);
  expect(routes()).toContain('/new');
  expect(await serves(OTHER)).toBe(leafOf(pair.cert));
});

it('a controller without certificates yet is known by its routes', async () => {
  for (const mode of MODES) {
    const { secret, ingress, pass, ticks, writes } = await besideController({ mode });
    ingress(['plain.example.test'], 'nothing', 'plain');
    await ticks();
    secret(renewed(1));
    expect(await writes(() => pass('start')), mode).toEqual([]);
  }
});

it('a certificate of ours that blocks the controller is handed over without a gap', async () => {
  const { secret, ingress, pass, ticks, routes, serves, gateway, status, troubles } = await besideController({
    mode: 'database',
  });
  const pair = renewed(1);
  const uid = secret(pair);
  // The controller has not written anything yet, so it cannot be detected.
  await pass('start');
  expect(await serves()).toBe(leafOf(pair.cert));
  ingress([HOST]);
  ingress(['plain.example.test'], 'nothing', 'plain');
  expect(await ticks(2)).toEqual(['fell back', 'fell back']);
  const unserved: string[] = [];
  gateway.beforePost(async () => {
    const leaf = await serves();
    if (leaf !== leafOf(pair.cert)) unserved.push(leaf);
  });
  await pass();
  expect(unserved).toEqual([]);
  expect(await ticks(2)).toEqual(['pushed', 'unchanged']);
  expect(await serves()).toBe(leafOf(pair.cert));
  expect(routes().sort()).toEqual(['/plain', '/www']);
  await pass();
  expect(gateway.certificates()).toMatchObject([{ id: uid, names: [HOST] }]);
  expect(status().certificates).toMatchObject([{ owner: 'ingress_controller', state: 'in_sync' }]);
  expect(troubles()).toEqual([]);
});

it('a certificate that blocks the controller is named until it can be seen who asks for its names', async () => {
  const world = await besideController({ mode: 'database' });
  const { cluster, secret, ingress, pass, ticks, certificate, routes } = world;
  secret(renewed(1));
  await pass('start');
  cluster.intercept = ({ path }) =>
    path.includes('/ingresses')
      ? (response) => sendStatus(response, 403, 'ingresses is forbidden: cannot list')
      : null;
  ingress([HOST]);
  await ticks(2);
  await pass();
  await pass();
  expect(certificate()?.note).toContain('needs list and watch on ingresses and gateways');
  cluster.intercept = () => null;
  await pass();
  expect(await ticks(2)).toEqual(['pushed', 'unchanged']);
  await pass();
  expect(routes()).toEqual(['/www']);
  expect(certificate()).toMatchObject({ owner: 'ingress_controller', state: 'in_sync' });
  expect(certificate()?.note ?? null).toBeNull();
});

it.for(MODES)('a removed host is no trouble while the controller has its time (%s)', async (mode) => {
  const world = await besideController({ mode });
  const { secret, ingress, pass, ticks, later, troubles } = world;
  secret(renewed(60, [HOST, OTHER]));
  ingress([HOST, OTHER]);
  await ticks();
  await pass('start');
  secret(renewed(1));
  ingress([HOST]);
  await pass();
  expect(troubles().filter(({ kind }) => kind === 'refused')).toEqual([]);
  await ticks();
  await pass();
  later(10);
  await pass();
  expect(troubles()).toEqual([]);
  expect(world.lines.filter(({ level }) => level !== 'info')).toEqual([]);
});

it.for(MODES)(
  'a controller that stands still is taken over from after the grace, and that is said (%s)',
  async (mode) => {
    const { secret, pass, later, serves, lines, status, counters, pair: old } = await shop({ mode });
    const pair = renewed(1);
    secret(pair);
    await pass();
    later(GRACE_S - 5);
    await pass();
    expect(await serves()).toBe(leafOf(old.cert));
    later(10);
    await pass();
    expect(await serves()).toBe(leafOf(pair.cert));
    expect(lines.map(({ message }) => message)).toContain(
      'certificate taken over from the ingress controller',
    );
    expect(status().events[0]).toMatchObject({ kind: 'taken_over' });
    expect(counters.takeovers).toBe(1);
  },
);

it.for(MODES)(
  'a Secret that was made anew gets its grace though nothing names it in Kong (%s)',
  async (mode) => {
    const {
      cluster,
      secret,
      pass,
      ticks,
      later,
      writes,
      certificate,
      serves,
      pair: old,
    } = await shop({
      mode,
      hasTags: false,
    });
    expect(certificate()).toMatchObject({ owner: 'ingress_controller' });
    cluster.remove('secrets', 'shop', 'www');
    await pass();
    const pair = renewed(1);
    secret(pair, 'www', randomUUID());
    expect(
      await writes(async () => {
        await pass();
        later(GRACE_S / 2);
        await pass();
      }),
    ).toEqual([]);
    expect(certificate()).toMatchObject({ owner: 'ingress_controller', state: 'pending' });
    expect(await serves()).toBe(leafOf(old.cert));
    await ticks();
    await pass();
    expect(certificate()).toMatchObject({ owner: 'ingress_controller', state: 'unproven' });
  },
);

it.for(MODES)(
  'a certificate that the controller drops, since its Secret is broken, is an alarm (%s)',
  async (mode) => {
    const world = await shop({ mode, names: [HOST, OTHER] });
    const { cluster, pass, ticks, later, troubles, certificate, secret, ingress, status } = world;
    // The second host was given up long before.
    const old = renewed(30);
    secret(old);
    ingress([HOST]);
    await ticks();
    await pass();
    cluster.putSecret('shop', 'www', { chain: renewed(1).chain, key: old.key });
    await pass();
    await ticks();
    await pass();
    expect(troubles().filter(({ kind }) => kind === 'refused')).toEqual([]);
    expect(JSON.stringify(status())).not.toContain('refer to Secret');
    later(GRACE_S + 5);
    await pass();
    expect(certificate()).toMatchObject({
      ...{ state: 'refused', refusal: { reason: 'key_mismatch' } },
      ...{ snis: [HOST], dropped: true, note: expect.stringContaining('clients get another one') as string },
    });
    expect(troubles()).toMatchObject([
      { kind: 'refused', severity: 'critical', summary: expect.stringContaining('dropped') as string },
    ]);
    secret(renewed(1));
    await ticks();
    await pass();
    expect(troubles()).toEqual([]);
  },
);

it('a certificate that the controller writes in its time is noticed within seconds', async () => {
  const { secret, pass, ticks, certificate, later } = await shop({ mode: 'database' });
  secret(renewed(1));
  const { nextAt } = await pass();
  expect(nextAt ?? Infinity).toBeLessThanOrEqual(Date.now() + 5_000);
  await ticks();
  later(2);
  await pass('retry');
  // No handshake was made; Kong stores what the Secret holds.
  expect(certificate()).toMatchObject({ state: 'unproven' });
});

it.for(MODES)('after a lost race ages are compared again (%s)', async (mode) => {
  const { secret, pass, later, controller, gateway, serves } = await shop({ mode });
  secret(renewed(30));
  await pass();
  later(GRACE_S + 5);
  // A newer one comes, and the controller writes it in the very moment of our takeover.
  const newest = renewed(1);
  let isFirst = true;
  gateway.beforePost(async () => {
    if (!isFirst) return;
    isFirst = false;
    secret(newest);
    await controller.sync();
  });
  await pass();
  // The watch of the Secrets saw it, too.
  await pass();
  expect(await serves()).toBe(leafOf(newest.cert));
});

it.for(MODES)('a nudge is followed by what the controller does within seconds (%s)', async (mode) => {
  const { cluster, secret, pass, ticks, later, status, certificate } = await shop({
    mode,
    config: { takeover: 'nudge' },
  });
  const pair = renewed(1);
  secret(pair);
  await pass();
  later(GRACE_S + 1);
  const nudging: string[] = [];
  cluster.intercept = ({ method, path }) => {
    if (method !== 'PATCH') return null;
    nudging.push(path);
    return (response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{}');
    };
  };
  await pass();
  expect(nudging).toHaveLength(1);
  expect(status().events[0]).toMatchObject({ kind: 'nudged' });
  await ticks();
  later(3);
  await pass('retry');
  expect(certificate()).toMatchObject({ state: 'unproven', stored: { serial: serialOf(pair.cert) } });
});

it.for(MODES)('two Secrets with one pair are no trouble (%s)', async (mode) => {
  const { secret, ingress, pass, ticks, later, writes, troubles, lines } = await besideController({ mode });
  const pair = renewed(60, [HOST, OTHER]);
  secret(pair);
  secret(pair, 'copy');
  ingress([HOST]);
  ingress([OTHER], 'copy');
  await ticks();
  await pass('start');
  for (const minutes of [30, 10]) {
    const next = renewed(minutes, [HOST, OTHER]);
    secret(next);
    await pass();
    // The copy follows a moment later.
    secret(next, 'copy');
    expect(await writes(() => pass())).toEqual([]);
    await ticks();
    await pass();
    later(GRACE_S + 5);
    expect(await writes(() => pass())).toEqual([]);
  }
  expect(troubles()).toEqual([]);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
});

it('the CA of an issuer is no trouble, with a controller and without', async () => {
  const { cluster, pass, troubles, lines, status } = await besideController({ mode: 'database' });
  const ca = Authority.root();
  const key = ca.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  cluster.putSecret('shop', 'issuer', { chain: ca.cert, key }, { uid: randomUUID() });
  await pass('start');
  expect(status().certificates).toMatchObject([
    { state: 'unused', note: expect.stringContaining('holds a CA') as string },
  ]);
  expect(troubles()).toEqual([]);
  expect(lines.filter(({ level }) => level !== 'info')).toEqual([]);
});

const worlds: { mode: Mode; hasTags: boolean }[] = MODES.flatMap((mode) =>
  [true, false].map((hasTags) => ({ mode, hasTags })),
);

it.for(worlds)(
  '200 renewals by a healthy controller are silent ($mode, tags: $hasTags)',
  async ({ mode, hasTags }) => {
    const { secret, pass, ticks, later, writes, lines, troubles, serves } = await shop({ mode, hasTags });
    lines.length = 0;
    const written: string[] = [];
    for (let round = 1; round <= 200; round++) {
      const pair = renewed(60 - round / 4);
      secret(pair);
      written.push(
        ...(await writes(async () => {
          await pass(round % 3 === 0 ? 'poll' : 'start');
        })),
      );
      await ticks();
      written.push(
        ...(await writes(async () => {
          later(2);
          await pass();
        })),
      );
      expect(troubles()).toEqual([]);
      if (round % 50 === 0) expect(await serves()).toBe(leafOf(pair.cert));
    }
    expect(written).toEqual([]);
    expect(lines.filter(({ level, message }) => level !== 'info' && message !== '')).toEqual([]);
  },
);
