import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { onTestFinished } from 'vitest';
import { findStatusSocket } from '../../src/app/status-host';
import { Supervisor } from '../../src/app/supervisor';
import type { CertificateStatus, StatusReport } from '../../src/public';
import { LogHub } from '../../src/report';
import { startGateway, type GatewayOptions, type Mode } from '../gateway';
import { eventually } from './eventually';
import { testFolder } from './folders';
import { ask } from './http';

export interface SupervisedOptions {
  mode?: Mode;
  /** Whether certificates are created for what is in the folder. Default true. */
  create?: boolean;
  /** More of the plugin's config. */
  config?: object;
  /** More of the gateway's options. */
  gateway?: Partial<GatewayOptions>;
  /** Milliseconds between looks at Kong. */
  pollMs?: number;
  /** After so many milliseconds without an answer Kong counts as away. */
  silentMs?: number;
}

/** A stand-in Kong with the plugin enabled for a folder, and a supervisor in this process that looks after it. */
export async function supervised({
  mode = 'database',
  create = true,
  config = {},
  gateway: options = {},
  pollMs = 50,
  silentMs = 20_000,
}: SupervisedOptions = {}) {
  const query = `env PATH=${dirname(process.execPath)}:/usr/bin:/bin ${resolve('dist/ssl-cert-reloader.cjs')} -dump`;
  const certs = testFolder();
  const entry = {
    name: 'ssl-cert-reloader',
    config: { sources: [{ type: 'directory', path: certs, create }], ...config },
  };
  const gateway = await startGateway({
    ...options,
    mode,
    pluginServers: [{ name: entry.name, queryCommand: query }],
    ...(mode === 'dbless'
      ? { declarativeConfig: JSON.stringify({ _format_version: '3.0', plugins: [entry] }) }
      : {}),
  });
  onTestFinished(() => gateway.stop());
  if (mode === 'database') await postEntry(gateway.adminUrl, entry);
  const lines: string[] = [];
  const begin = () => {
    const begun = new Supervisor({
      location: { prefix: gateway.prefix },
      logger: new LogHub((line) => lines.push(line)),
      pollMs,
      silentMs,
    });
    begun.start();
    return begun;
  };
  let supervisor = begin();
  onTestFinished(() => supervisor.stop());
  const socketPath = findStatusSocket(gateway.prefix);
  await eventually('the status is shown', () => existsSync(socketPath));
  const report = async () => JSON.parse((await ask({ socketPath }, '/status')).text) as StatusReport;
  const certificates = async () => (await report()).reloaders.flatMap((one) => one.certificates);
  return {
    gateway,
    certs,
    get supervisor() {
      return supervisor;
    },
    /** Ends the supervisor and starts another one, as a restart of the process does. */
    restart: async (meanwhile: () => void = () => undefined) => {
      await supervisor.stop();
      meanwhile();
      supervisor = begin();
      await eventually('the status is shown again', () => existsSync(socketPath));
    },
    socket: { socketPath },
    report,
    certificates,
    /** Waits for a certificate that is like that. */
    becomes: (what: string, is: (one: CertificateStatus) => boolean) => {
      let last: CertificateStatus[] = [];
      const look = async () => (last = await certificates()).find(is);
      return eventually(what, look).catch((error: unknown) => {
        throw new Error(`${(error as Error).message}; instead ${JSON.stringify(last)}\n${lines.join('\n')}`);
      });
    },
    /** Asks for a pass and waits for it. */
    poll: () => ask({ socketPath }, '/poll?wait=1', { method: 'POST' }),
    /** Lines of the log. */
    lines,
  };
}

async function postEntry(adminUrl: string, entry: object): Promise<void> {
  const { status } = await fetch(`${adminUrl}/plugins`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(entry),
  });
  if (status !== 201) throw new Error(`the plugin's entry was not accepted: ${status}`);
}
