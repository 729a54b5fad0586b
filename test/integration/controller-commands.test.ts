import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { startGateway, type Mode } from '../gateway';
import { renewed } from '../support/beside-controller';
import { cli, start } from '../support/cli';
import { ScriptedController } from '../support/controller';
import { wantedFor } from '../support/controller-world';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { StandInCluster } from '../support/stand-in-cluster';
import { leafOf, servedLeaf } from '../support/tls';

const HOST = 'shop.example.test';
const MODES = ['dbless', 'database'] as const;
const QUERY = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')} -dump`;

/** A Kong whose certificate and global plugin come from an ingress controller, and a configuration file beside it. */
async function besideKong(mode: Mode, graceS: number) {
  const cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  const gateway = await startGateway({
    mode,
    pluginServers: [{ name: 'ssl-cert-reloader', queryCommand: QUERY }],
  });
  onTestFinished(() => gateway.stop());
  const broken = { is: false };
  const controller = new ScriptedController(gateway.adminUrl, mode, () => ({
    ...wantedFor(cluster),
    plugins: [{ name: 'ssl-cert-reloader', config: { interval: 300 } }],
    isBroken: broken.is,
  }));
  const uid = randomUUID();
  const secret = (minutes: number) => {
    const pair = renewed(minutes, [HOST]);
    cluster.putSecret('shop', 'www', pair, { uid });
    return pair;
  };
  const old = secret(60);
  cluster.put('ingresses', {
    metadata: { name: 'www', namespace: 'shop' },
    spec: { tls: [{ hosts: [HOST], secretName: 'www' }] },
  });
  expect(await controller.sync()).toBe('pushed');
  const file = join(testFolder(), 'reloader.yml');
  const source = { type: 'kubernetes', namespaces: ['shop'], kubeconfig: cluster.kubeconfig() };
  writeFileSync(file, JSON.stringify({ takeover_grace: graceS, sources: [source] }));
  return {
    ...{ gateway, controller, broken, secret, old },
    args: ['-c', file, '-p', gateway.prefix],
    serves: () => servedLeaf(gateway.tlsPort, HOST),
    plugins: () => gateway.entities('plugins').map(({ name }) => name),
    names: () => gateway.certificates().flatMap(({ names }) => names),
  };
}

it('with its configuration in a file it goes on where a controller that was restarted drops global plugins and SNIs', async () => {
  const { controller, broken, secret, args, serves, plugins, names, old } = await besideKong('dbless', 1);
  expect(plugins()).toEqual(['ssl-cert-reloader']);
  const daemon = start(['run', ...args]);
  await eventually('it has looked', () => daemon.stderr.includes('first pass done'));
  broken.is = true;
  controller.restart();
  expect(await controller.sync()).toBe('fell back');
  expect([...plugins(), ...names()]).toEqual([]);
  await eventually('the name is given back', async () => (await serves()) === leafOf(old.cert));
  await eventually('it is said', () => daemon.stderr.includes('taken over from the ingress controller'));
  const pair = secret(1);
  expect(await controller.sync()).toBe('fell back');
  await eventually('the renewal is served', async () => (await serves()) === leafOf(pair.cert));
  broken.is = false;
  expect(await controller.sync()).toBe('pushed');
  expect([...plugins(), ...names()]).toEqual(['ssl-cert-reloader', HOST]);
  expect(await serves()).toBe(leafOf(pair.cert));
});

it('with a database a controller that is restarted while its configuration is broken leaves renewals to us', async () => {
  const { controller, broken, secret, args, serves, plugins } = await besideKong('database', 1);
  const daemon = start(['run', ...args]);
  await eventually('it has looked', () => daemon.stderr.includes('first pass done'));
  broken.is = true;
  controller.restart();
  expect(await controller.sync()).toBe('fell back');
  expect(plugins()).toEqual(['ssl-cert-reloader']);
  const pair = secret(1);
  expect(await controller.sync()).toBe('fell back');
  await eventually('the renewal is served', async () => (await serves()) === leafOf(pair.cert));
});

it.for(MODES)('sync leaves a renewal to the controller, and a later one takes it over (%s)', async (mode) => {
  const { secret, args, serves, old } = await besideKong(mode, 2);
  expect(await cli('sync', ...args)).toMatchObject({ code: 0 });
  const pair = secret(1);
  const first = await cli('sync', ...args);
  expect(first).toMatchObject({ code: 3, stderr: '' });
  expect(first.stdout).toContain('waits');
  expect(await serves()).toBe(leafOf(old.cert));
  await eventually('the grace is over', async () => (await cli('sync', ...args)).code === 0);
  expect(await serves()).toBe(leafOf(pair.cert));
});

it.for(MODES)('sync --wait ends once the controller had its time (%s)', async (mode) => {
  const { secret, args, serves } = await besideKong(mode, 1);
  const pair = secret(1);
  const { code, stdout } = await cli('sync', ...args, '--wait');
  expect(code).toBe(0);
  expect(stdout).toContain('taken over');
  expect(await serves()).toBe(leafOf(pair.cert));
});

it('sync --wait leaves what a controller writes meanwhile to it', async () => {
  const { controller, secret, args, serves, gateway } = await besideKong('database', 3);
  const pair = secret(1);
  const waiting = start(['sync', ...args, '--wait', '--json']);
  await eventually('it has looked', () =>
    gateway.requests.some(({ path }) => path.startsWith('/certificates?')),
  );
  await controller.sync();
  const { code, stdout } = await waiting.ended;
  expect(code).toBe(0);
  const [pass] = JSON.parse(stdout) as { events: { kind: string }[] }[];
  expect(pass?.events).toEqual([]);
  expect(await serves()).toBe(leafOf(pair.cert));
});
