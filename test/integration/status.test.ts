import { spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { statusSocket } from '../../src/app/status-host';
import { Supervisor } from '../../src/app/supervisor';
import type { CertificateStatus, StatusReport } from '../../src/model';
import { LogHub } from '../../src/report';
import { startGateway, type Mode } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf } from '../support/tls';

const HOST = 'www.example.test';
const MINUTE_MS = 60_000;
const renewed = (age: number, names = [HOST]) =>
  issue({ names, notBefore: new Date(Date.now() - age * MINUTE_MS) });

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

function ask(
  to: { socketPath: string } | { host: string; port: number },
  path: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ ...to, path, method, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
      );
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end();
  });
}

/** A stand-in Kong with the plugin enabled, and the supervisor that looks after it. */
async function watching(more: object = {}, mode: Mode = 'database') {
  const query = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')} -dump`;
  const gateway = await startGateway({
    mode,
    pluginServers: [{ name: 'ssl-cert-reloader', queryCommand: query }],
  });
  onTestFinished(() => gateway.stop());
  const certs = testFolder();
  const lines: string[] = [];
  const config = { interval: 1, sources: [{ type: 'directory', path: certs }], ...more };
  const response = await fetch(`${gateway.adminUrl}/plugins`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'ssl-cert-reloader', config }),
  });
  expect(response.status).toBe(201);
  const supervisor = new Supervisor({
    location: { prefix: gateway.prefix },
    logger: new LogHub((line) => lines.push(line)),
    pollMs: 50,
  });
  supervisor.start();
  onTestFinished(() => supervisor.stop());
  const socketPath = statusSocket(gateway.prefix);
  const report = async () => JSON.parse((await ask({ socketPath }, '/status')).text) as StatusReport;
  const certificates = async () => (await report()).reloaders[0]?.certificates ?? [];
  const becomes = (what: string, is: (one: CertificateStatus) => boolean) =>
    eventually(what, async () => (await certificates()).find(is));
  await eventually('the socket is there', () => existsSync(socketPath));
  return { gateway, certs, supervisor, socketPath, report, certificates, becomes, lines };
}

it('a certificate that is swapped in and served is in sync, with all three fingerprints', async () => {
  const { certs, becomes } = await watching();
  const pair = renewed(30);
  writePair(certs, 'www', pair);
  const one = await becomes('it is in sync', ({ state }) => state === 'in_sync');
  const fingerprint = leafOf(pair.cert);
  expect(one).toMatchObject({
    snis: [HOST],
    owner: 'us',
    half: 'main',
    source: { fingerprint_sha256: fingerprint, location: join(certs, 'www.crt') },
    stored: { fingerprint_sha256: fingerprint },
    served: { fingerprint_sha256: fingerprint, verdict: 'served', detail: '' },
    refusal: null,
    renewal_overdue: false,
  });
  expect(one.last_swap_at).not.toBeNull();
});

const hasPromtool = spawnSync('promtool', ['--version']).error === undefined;

it.skipIf(!hasPromtool)(
  'promtool finds nothing wrong with the metrics (needs promtool of Debian package prometheus)',
  async () => {
    const { certs, becomes, socketPath } = await watching();
    writePair(certs, 'www', renewed(30));
    await becomes('it is in sync', ({ state }) => state === 'in_sync');
    const { text } = await ask({ socketPath }, '/metrics');
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  },
);
