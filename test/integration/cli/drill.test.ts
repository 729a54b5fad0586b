import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { startGateway, type Gateway } from '../../gateway';
import { issue } from '../../support/bundles';
import { cli, start } from '../../support/cli';
import { closedPort } from '../../support/tls-server';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

const DRILL_NAME = 'ssl-cert-reloader-drill.invalid';

async function kong(mode: 'database' | 'dbless' = 'database'): Promise<Gateway> {
  const gateway = await startGateway({ mode });
  onTestFinished(() => gateway.stop());
  const www = issue();
  gateway.seed([{ cert: www.chain, key: www.key, snis: ['www.example.test', '*.wild.example.test'] }]);
  return gateway;
}

const names = (gateway: Gateway) => gateway.certificates().flatMap((certificate) => certificate.names);

/** Kong has its former content, and nothing else. */
const expectClean = (gateway: Gateway) =>
  expect(names(gateway).sort()).toEqual(['*.wild.example.test', 'www.example.test']);

interface Result {
  passed: boolean;
  interrupted: boolean;
  steps: { step: string; ok: boolean; detail: string }[];
}

describe.each(['database', 'dbless'] as const)('a drill in mode %s', (mode) => {
  it('creates, proves, swaps, proves, and leaves nothing behind', async () => {
    const gateway = await kong(mode);
    const { code, stdout } = await cli('drill', '-p', gateway.prefix, '--json');
    const { passed, steps } = JSON.parse(stdout) as Result;
    expect({ code, passed }).toEqual({ code: 0, passed: true });
    expect(steps.map(({ step }) => step)).toEqual([
      'create',
      'create_proof',
      'swap',
      'swap_proof',
      'open_connection',
      'clean_up',
    ]);
    expect(steps.find(({ step }) => step === 'open_connection')?.detail).toMatch(/stayed open: \d+ requests/);
    expectClean(gateway);
  });

  it('fails where Kong goes on serving the old certificate, and cleans up anyway', async () => {
    const gateway = await kong(mode);
    gateway.freezeServing();
    const { code, stdout } = await cli('drill', '-p', gateway.prefix);
    expect(code).toBe(1);
    expect(stdout).toMatch(/fail +prove.+not served within/);
    expectClean(gateway);
  });

  test.for(['SIGINT', 'SIGTERM'] as const)('that is interrupted by %s cleans up', async (signal) => {
    const gateway = await kong(mode);
    const { host, port } = await closedPort();
    const drill = start(['drill', '-p', gateway.prefix, '--json', '--listener', `${host}:${port}`]);
    await eventually('the certificate is there', () => names(gateway).includes(DRILL_NAME));
    drill.child.kill(signal);
    const { code, stdout } = await drill.ended;
    expect(code).toBe(130);
    expect(JSON.parse(stdout)).toMatchObject({ passed: false, interrupted: true });
    expectClean(gateway);
  });

  it('that was killed is cleaned up by the next drill, whatever its name was', async () => {
    const gateway = await kong(mode);
    const { host, port } = await closedPort();
    const drill = start([
      ...['drill', '-p', gateway.prefix, '--sni', 'other-drill.invalid'],
      ...['--listener', `${host}:${port}`],
    ]);
    await eventually('the certificate is there', () => names(gateway).includes('other-drill.invalid'));
    drill.child.kill('SIGKILL');
    await drill.ended;
    const { code, stdout } = await cli('drill', '-p', gateway.prefix);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok +left over/);
    expectClean(gateway);
  });
});

it('a drill whose reader goes away early (`| head -1`) goes on to its end and cleans up', async () => {
  const gateway = await kong();
  const drill = start(['drill', '-p', gateway.prefix]);
  drill.child.stdout?.once('data', () => drill.child.stdout?.destroy());
  expect(await drill.ended).toMatchObject({ code: 0, stderr: '' });
  expect(gateway.requests.some(({ method }) => method === 'PATCH')).toBe(true);
  expectClean(gateway);
});

it('a drill that cannot clean up says what is left, and does not end as if it had', async () => {
  const gateway = await kong();
  const { host, port } = await closedPort();
  const config = join(testFolder(), 'reloader.yml');
  writeFileSync(config, `verify: {timeout: 60, listeners: ["${host}:${port}"]}\n`);
  const drill = start(['drill', '-p', gateway.prefix, '-c', config]);
  await eventually('the certificate is there', () => names(gateway).includes(DRILL_NAME));
  await gateway.stop();
  drill.child.kill('SIGINT');
  const { code, stdout, stderr } = await drill.ended;
  expect(code).toBe(1);
  expect(stdout).toMatch(/fail +clean up/);
  expect(stderr).toContain('may still be in Kong');
});

test.for([
  ['that a certificate in Kong has', 'WWW.example.test', 'serves www.example.test'],
  ['that a wildcard in Kong serves', 'a.wild.example.test', 'serves *.wild.example.test'],
] as const)('a drill does not touch a name %s', async ([, sni, sentence]) => {
  const gateway = await kong();
  const { code, stdout, stderr } = await cli('drill', '-p', gateway.prefix, '--sni', sni);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
  expect(stderr).toContain(sentence);
  expect(gateway.requests.filter(({ method }) => method !== 'GET')).toEqual([]);
  expectClean(gateway);
});

it('a drill without any listener says that nothing is proven, and how to name some', async () => {
  const gateway = await startGateway({ mode: 'database', env: { proxy_listen: 'off' } });
  onTestFinished(() => gateway.stop());
  const { code, stdout } = await cli('drill', '-p', gateway.prefix);
  expect(code).toBe(1);
  expect(stdout).toContain('verify.listeners');
  const named = await cli('drill', '-p', gateway.prefix, '--listener', `127.0.0.1:${gateway.tlsPort}`);
  expect(named.code).toBe(0);
});
