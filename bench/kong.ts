import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { handshake } from '../src/verify';
import { realKong, type LiveSettings } from '../test/live/kong';
import { asStored, type Pair } from './pairs';
import type { Pauses } from './pauses';

/** A gateway in a process of its own. */
export interface BenchKong {
  adminUrl: string;
  tlsPort: number;
  prefix: string;
  stop(): Promise<void>;
}

export interface BenchKongOptions {
  mode: 'dbless' | 'database';
  /** A fresh folder. */
  folder: string;
  pairs: readonly Pair[];
  /** Configuration of the plugin; without it there is no plugin server. */
  plugin?: object;
  /** For the plugin server of a stand-in. */
  pauses?: Pauses;
}

/** A real Kong to measure instead of the stand-in, as `--kong` and `--pg` name it. */
export const realSettings: { current: LiveSettings | null } = { current: null };

/** Starts a gateway with certificates in it and, without a database, the plugin's entry. */
export function startKong(options: BenchKongOptions): Promise<BenchKong> {
  return realSettings.current === null ? startStandIn(options) : startReal(realSettings.current, options);
}

async function startReal(
  settings: LiveSettings,
  { mode, pairs, plugin }: BenchKongOptions,
): Promise<BenchKong> {
  const certificates = rowsOf(pairs).map((row) => ({ ...row, snis: row.snis.map((name) => ({ name })) }));
  const plugins = plugin === undefined ? [] : [{ name: 'ssl-cert-reloader', config: plugin }];
  const declarativeConfig = JSON.stringify({ _format_version: '3.0', certificates, plugins });
  const kong = await realKong(settings)(mode === 'dbless' ? { mode, declarativeConfig } : { mode });
  if (mode === 'database') {
    try {
      for (const row of rowsOf(pairs)) await send(kong.adminUrl, 'PUT', `/certificates/${row.id}`, row);
      if (plugin !== undefined)
        await send(kong.adminUrl, 'POST', '/plugins', { name: 'ssl-cert-reloader', config: plugin });
    } catch (error) {
      await kong.stop();
      throw error;
    }
  }
  const { adminUrl, tlsPort, prefix } = kong;
  return { adminUrl, tlsPort, prefix, stop: () => kong.stop() };
}

const rowsOf = (pairs: readonly Pair[]) =>
  pairs.map((pair, index) => ({ id: certificateId(index), ...asStored(pair), snis: [pair.name] }));

async function startStandIn({ mode, folder, pairs, plugin, pauses }: BenchKongOptions): Promise<BenchKong> {
  const prefix = join(folder, 'prefix');
  const args = [resolve('build/gateway.cjs'), '--mode', mode, '--prefix', prefix];
  const rows = rowsOf(pairs);
  if (mode === 'database') {
    const seed = join(folder, 'seed.json');
    writeFileSync(seed, JSON.stringify(rows));
    args.push('--seed', seed);
  } else {
    // JSON is YAML.
    const config = join(folder, 'kong.yml');
    const certificates = rows.map((row) => ({ ...row, snis: row.snis.map((name) => ({ name })) }));
    const plugins = plugin === undefined ? [] : [{ name: 'ssl-cert-reloader', config: plugin }];
    writeFileSync(config, JSON.stringify({ _format_version: '3.0', certificates, plugins }));
    args.push('--config', config);
  }
  if (plugin !== undefined) {
    const server = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${pauses?.variables ?? ''} ${resolve('dist/ssl-cert-reloader.cjs')}`;
    args.push('--plugin-server', 'ssl-cert-reloader');
    args.push('--query-command', `${server} -dump`, '--start-command', `${server} -p ${prefix}`);
  }
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const ready = await firstLine(child);
  const { adminUrl, tlsPort } = JSON.parse(ready) as { adminUrl: string; tlsPort: number };
  if (mode === 'database' && plugin !== undefined) {
    await send(adminUrl, 'POST', '/plugins', { name: 'ssl-cert-reloader', config: plugin });
  }
  return {
    adminUrl,
    tlsPort,
    prefix,
    stop: () =>
      new Promise((done) => {
        child.once('exit', () => done());
        child.kill('SIGTERM');
      }),
  };
}

export const certificateId = (index: number): string =>
  `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`;

/** One request to the Admin API. @throws Error for anything but a 2xx */
export async function send(adminUrl: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(adminUrl + path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  if (!response.ok)
    throw new Error(`${method} ${path} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

function firstLine(child: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    child.once('exit', (code) => fail(new Error(`the gateway ended at once (${String(code)})`)));
    createInterface({ input: child.stdout as NodeJS.ReadableStream }).once('line', done);
  });
}

/** Handshakes until the leaf of `pair` is served. */
export async function untilServed(port: number, { name, cert }: Pair, pauseMs = 2): Promise<void> {
  const wanted = Buffer.from(/-----BEGIN CERTIFICATE-----([^-]+)/.exec(cert)?.[1] ?? '', 'base64');
  const deadline = performance.now() + 120_000;
  for (;;) {
    const [leaf] = await handshake({ host: '127.0.0.1', port, servername: name, timeoutMs: 60_000 });
    if (leaf?.equals(wanted) === true) return;
    if (performance.now() > deadline) throw new Error(`${name} was never served`);
    // Handshakes in a row would keep the gateway too busy to take the write.
    await sleep(pauseMs);
  }
}
