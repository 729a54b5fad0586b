import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServerResponse } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import type { Issued } from '../../src/authority/authority';
import { startGateway, type Mode } from '../gateway';
import { blocksOf, derOf } from '../support/bundles';
import { cli, Command, ENVIRONMENT, EXECUTABLE } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { jks, p12, PASSWORD, rsaIssuer } from '../support/format-files';
import { ask } from '../support/http';
import { httpsServer, testAuthority, type Seen } from '../support/https-server';

/*
 * A private key has no business in memory once Kong has it: whoever reads the process (a core dump, a swapped page, a bug)
 * would read every key. The heap of the real process is written to a file and searched.
 */

/** Texts that are longer are cut in a snapshot otherwise. */
const WHOLE_TEXTS = '--heap-snapshot-string-limit=100000000';

/** A daemon whose heap can be asked for. */
function daemon(...args: string[]) {
  const folder = testFolder();
  const node = [WHOLE_TEXTS, '--heapsnapshot-signal=SIGUSR2', '--expose-gc'];
  const child = spawn(process.execPath, [...node, EXECUTABLE, 'run', ...args], {
    env: ENVIRONMENT,
    cwd: folder,
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const command = new Command(child);
  const heap = async (): Promise<string> => {
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
    child.kill('SIGUSR2');
    const file = () => readdirSync(folder).find((name) => name.endsWith('.heapsnapshot'));
    const text = () => (file() === undefined ? '' : readFileSync(join(folder, file() ?? ''), 'utf8'));
    await eventually('the heap is written', () => text().trimEnd().endsWith(']}'));
    return text();
  };
  return { command, heap };
}

/** Pieces of a key as it may stand in memory: lines of its PEM texts, in the middle, where each key differs. */
function traces({ key }: Pick<Issued, 'key'>): string[] {
  const inSecrets = Buffer.from(key).toString('base64').slice(400, 440);
  const lines = blocksOf(key).flatMap((block) =>
    block
      .split('\n')
      .slice(2, -3)
      .map((line) => line.slice(4, 44)),
  );
  return [...lines, inSecrets];
}

/** @returns names of the keys that are there */
function found(heap: string, keys: Readonly<Record<string, Issued>>): string[] {
  return Object.entries(keys).flatMap(([name, key]) =>
    traces(key).some((trace) => heap.includes(trace)) ? [name] : [],
  );
}

/** Some are kept for moments, for what comes next. */
async function forgotten(heap: () => Promise<string>, keys: Readonly<Record<string, Issued>>): Promise<void> {
  let left: string[] = [];
  const isNoneLeft = async () => {
    left = found(await heap(), keys);
    return left.length === 0;
  };
  await eventually('no key is in memory', isNoneLeft, 90_000).catch(() => undefined);
  expect(left).toEqual([]);
}

/** An API server with one Secret, which nothing ever happens to. */
function apiServer({ chain, key }: Issued, { path }: Seen, response: ServerResponse): void {
  const secret = {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: {
      name: 'secret',
      namespace: 'a',
      uid: '11111111-1111-4111-8111-111111111111',
      resourceVersion: '1',
    },
    data: {
      'tls.crt': Buffer.from(chain).toString('base64'),
      'tls.key': Buffer.from(key).toString('base64'),
    },
  };
  const { pathname, searchParams } = new URL(path, 'https://localhost');
  if (searchParams.get('watch') !== null) return;
  if (pathname.endsWith('/secrets/secret')) response.end(JSON.stringify(secret));
  else if (pathname.endsWith('/namespaces/a/secrets')) {
    response.end(JSON.stringify({ kind: 'SecretList', metadata: { resourceVersion: '1' }, items: [secret] }));
  } else response.writeHead(404).end('{}');
}

function kubeconfigOf(server: string, caFile: string): string {
  const user = { name: 'u', user: { token: 'token' } };
  const cluster = { name: 'c', cluster: { server, 'certificate-authority': caFile } };
  const context = { name: 'x', context: { cluster: 'c', user: 'u' } };
  return JSON.stringify({ clusters: [cluster], users: [user], contexts: [context], 'current-context': 'x' });
}

const rsa = (name: string) => rsaIssuer().issue({ names: [`${name}.test`], key: 'rsa-2048' });

/** Whole or not at all. */
function put(path: string, content: string | Buffer): void {
  writeFileSync(`${path}.new`, content, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

it.each<Mode>(['database', 'dbless'])(
  'keys are not kept after a pass: combined files, keystores, pairs, answers of servers, what Kong has (%s)',
  async (mode) => {
    const certs = testFolder();
    const keys = {
      combined: rsa('combined'),
      'key first': rsa('key-first'),
      pair: rsa('pair'),
      keystore: rsa('keystore'),
      jks: rsa('jks'),
      http: rsa('http'),
      secret: rsa('secret'),
      stored: rsa('stored'),
      'stored and replaced': rsa('replaced'),
      replacing: rsa('replaced'),
    };
    const write = (name: string, content: string | Buffer) => put(join(certs, name), content);
    write('combined.pem', keys.combined.chain + keys.combined.key);
    write('key-first.pem', keys['key first'].key + keys['key first'].chain);
    write('pair.crt', keys.pair.chain);
    write('pair.key', keys.pair.key);
    write('keystore.p12', p12(keys.keystore.chain, keys.keystore.key, 'aes256'));
    write(
      'store.jks',
      jks([{ alias: 'a', key: derOf(keys.jks.key), chain: blocksOf(keys.jks.chain).map(derOf) }]),
    );
    write('replaced.pem', keys.replacing.key + keys.replacing.chain);
    const { authority, caFile } = testAuthority();
    const identity = authority.issue({ names: ['127.0.0.1'] });
    const server = await httpsServer({ identity }, (_, response) => {
      response.end(keys.http.key + keys.http.chain);
    });
    const cluster = await httpsServer({ identity }, (seen, response) =>
      apiServer(keys.secret, seen, response),
    );
    const kubeconfig = join(testFolder(), 'kubeconfig');
    writeFileSync(kubeconfig, kubeconfigOf(cluster.url, caFile));
    const prefix = join(testFolder(), 'prefix');
    mkdirSync(prefix);
    const gateway = await startGateway({ mode, prefix });
    onTestFinished(() => gateway.stop());
    const stored = (name: 'stored' | 'stored and replaced', sni: string) => ({
      cert: keys[name].chain,
      key: keys[name].key,
      snis: [sni],
      tags: ['a-tag-that-is-long-enough', 'another-tag-of-an-operator'],
    });
    gateway.seed([stored('stored', 'stored.test'), stored('stored and replaced', 'replaced.test')]);
    const config = join(testFolder(), 'reloader.yml');
    const sources = [
      { type: 'directory', path: certs, password: PASSWORD },
      { type: 'http', url: `${server.url}/bundle`, ca_file: caFile },
      { type: 'kubernetes', kubeconfig, namespaces: ['a'], create: true },
    ];
    writeFileSync(config, JSON.stringify({ sources, interval: 3_600, verify: { timeout: 2 } }));
    const { command, heap } = daemon('-p', prefix, '-c', config);
    const socketPath = join(prefix, 'ssl-cert-reloader-status.socket');
    const isSettled = async () => {
      if (!existsSync(socketPath)) return false;
      const { reloaders } = JSON.parse((await ask({ socketPath }, '/status')).text) as {
        reloaders: { certificates: { state: string }[] }[];
      };
      const states = reloaders.flatMap(({ certificates }) => certificates.map(({ state }) => state));
      return states.filter((state) => state === 'in_sync').length === 8;
    };
    await eventually(`eight are in sync: ${command.stderr}`, isSettled);
    await forgotten(heap, keys);
    // What was swapped out is sealed, and restored by an operator's command.
    expect(await cli('rollback', 'replaced.test', '-p', prefix)).toMatchObject({ code: 0, stderr: '' });
    await forgotten(heap, keys);
    // A renewal that is not served, and its rollback.
    gateway.freezeServing();
    const late = rsa('pair');
    write('pair.crt', late.chain);
    write('pair.key', late.key);
    await eventually('it is rolled back', () => command.stderr.includes('rolled back'), 60_000);
    await forgotten(heap, { ...keys, late });
  },
);

it('the search finds a key that is in memory', async () => {
  const issued = rsa('seen');
  const folder = testFolder();
  const file = join(folder, 'key.pem');
  writeFileSync(file, issued.key + issued.chain);
  const script = `
    const text = require('node:fs').readFileSync(${JSON.stringify(file)}, 'latin1');
    globalThis.kept = text.slice(text.indexOf('-----BEGIN CERTIFICATE'));
    require('node:v8').writeHeapSnapshot(${JSON.stringify(join(folder, 'heap'))});`;
  const child = spawn(process.execPath, [WHOLE_TEXTS, '-e', script], { env: ENVIRONMENT });
  await new Promise((resolve) => child.once('exit', resolve));
  expect(found(readFileSync(join(folder, 'heap'), 'utf8'), { seen: issued, other: rsa('other') })).toEqual([
    'seen',
  ]);
});
