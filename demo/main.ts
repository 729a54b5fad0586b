import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway, type Gateway } from '../test/gateway';
import { declarative } from './gateways';
import { interactive } from './interactive';
import { onDisk, same, served, short, stored, untilServed } from './observe';
import { scenario, type Step } from './scenario';
import { Traffic } from './traffic';

const HOST = 'shop.example.test';
const CONNECTIONS = 8;
const TIMEOUT_MS = 15_000;
/** Time in which a broken pair could get through. */
const BROKEN_MS = 2_500;

const say = (line = '') => process.stdout.write(`${line}\n`);
const columns = (name: string, ...rest: string[]) =>
  `  ${name.padEnd(30)}${rest.map((cell) => cell.padEnd(20)).join('')}`.trimEnd();

interface Row {
  isGood: boolean;
  note: string;
}

async function main(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-demo-'));
  const certs = join(folder, 'certs');
  mkdirSync(certs);
  const server = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')}`;
  const prefix = join(folder, 'kong');
  const gateway = await startGateway({
    mode: 'dbless',
    prefix,
    declarativeConfig: declarative(certs, 0),
    pluginServers: [
      {
        name: 'ssl-cert-reloader',
        queryCommand: `${server} -dump`,
        startCommand: `${server} -p ${prefix}`,
      },
    ],
  });
  try {
    return await play(gateway, certs);
  } finally {
    await gateway.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function play(gateway: Gateway, certs: string): Promise<boolean> {
  say('ssl-cert-reloader: a certificate is renewed under load');
  say();
  say(`  gateway   stand-in for Kong without a database, TLS on 127.0.0.1:${gateway.tlsPort}`);
  say('  plugin    the real one, in its own plugin server, enabled by kong.yml');
  say(`  folder    ${certs}`);
  say();
  say(columns('leaf/intermediate', 'on disk', 'stored', 'served', 'disk → served'));
  const rows: Row[] = [];
  let traffic: Traffic | null = null;
  for (const [index, step] of scenario(certs, HOST).entries()) {
    rows.push(await (step.isBroken === true ? breakIt(gateway, certs, step) : renew(gateway, certs, step)));
    if (index > 0) continue;
    traffic = new Traffic(gateway.tlsPort, HOST);
    traffic.start(CONNECTIONS);
    await sleep(100);
  }
  const { connections, requests, dropped } = (await traffic?.stop()) ?? {
    connections: 0,
    requests: 0,
    dropped: 1,
  };
  say();
  for (const { note } of rows) if (note !== '') say(`  ${note}`);
  say(`  ${connections} connections stayed open throughout: ${requests} requests, ${dropped} dropped`);
  say();
  return rows.every(({ isGood }) => isGood) && dropped === 0 && requests > connections;
}

async function renew(gateway: Gateway, certs: string, step: Step): Promise<Row> {
  step.run();
  const written = performance.now();
  const disk = onDisk(join(certs, `${HOST}.crt`));
  const handshakes = await untilServed(gateway.tlsPort, HOST, disk, TIMEOUT_MS);
  const ms = Math.round(performance.now() - written);
  const kong = await stored(gateway.adminUrl, HOST);
  const shown = await served(gateway.tlsPort, HOST);
  say(columns(step.name, short(disk), short(kong), short(shown), handshakes === null ? 'never' : `${ms} ms`));
  return { isGood: handshakes !== null && same(kong, disk) && same(shown, disk), note: '' };
}

async function breakIt(gateway: Gateway, certs: string, step: Step): Promise<Row> {
  const before = await served(gateway.tlsPort, HOST);
  step.run();
  const disk = onDisk(join(certs, `${HOST}.crt`));
  await sleep(BROKEN_MS);
  const kong = await stored(gateway.adminUrl, HOST);
  const shown = await served(gateway.tlsPort, HOST);
  const refusal = gateway.pluginServerOutput.find((line) => line.includes('"reason":"key_mismatch"'));
  say(columns(step.name, short(disk), short(kong), short(shown), 'refused'));
  const detail = /"detail":"([^"]*)"/.exec(refusal ?? '')?.[1];
  return {
    isGood: same(kong, before) && same(shown, before) && refusal !== undefined,
    note:
      detail === undefined
        ? 'the broken pair was not reported'
        : `refused: ${detail.replace(`${certs}/`, '')}`,
  };
}

const fail = (error: unknown) => {
  say(`FAIL  ${(error as Error).message}`);
  process.exitCode = 1;
};

if (process.argv.includes('--interactive')) {
  interactive().catch(fail);
} else {
  main().then((isGood) => {
    say(
      isGood
        ? 'PASS  every renewal was served, the broken pair never reached the gateway'
        : 'FAIL  see above',
    );
    process.exitCode = isGood ? 0 : 1;
  }, fail);
}
