import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { compose } from '../../src/app/compose';
import { completeConfig } from '../../src/app/config';
import { connect } from '../../src/app/connection';
import { Authority, type Issued, type IssueOptions } from '../../src/authority/authority';
import { HomesFile } from '../../src/pass';
import { startGateway, type GatewayOptions, type Mode } from '../gateway';
import { testFolder } from './folders';
import { StandInCluster } from './stand-in-cluster';
import { servedLeaf } from './tls';

/** A name that is somebody's. */
export const BANK = 'bank.test';

export const DAY_MS = 86_400_000;

/** One that a CA of the operator's vouches for. */
const ca = Authority.root('CA of the operator');
export const proper = (names: readonly string[], more: Partial<IssueOptions> = {}): Issued =>
  ca.issue({ names, ...more });

/** A certificate that anybody can make: valid from now, and longer than all others. */
export function selfSigned(names: readonly string[], kind: 'ec' | 'rsa' = 'ec'): Issued {
  const { privateKey: key } =
    kind === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const root = Authority.root(names[0], { key });
  return root.issue({ names, key, notAfter: new Date(Date.now() + 3_000 * DAY_MS) });
}

export interface World {
  cluster: StandInCluster;
  /** Makes passes until nothing is left to do. */
  settle: () => Promise<void>;
  /** Leaf that clients get for a host. */
  served: (host?: string) => Promise<string>;
  post: (pair: Issued, snis: readonly string[], more?: object) => Promise<void>;
  /** Kong's database is lost. */
  empty: () => Promise<void>;
  /** Kong's certificates as its users see them. */
  certificates: () => Promise<
    { id: string; cert: string; key: string; cert_alt: string | null; snis: string[] }[]
  >;
}

/** A cluster with tenants, and a Kong that follows their Secrets. */
export async function world(
  source: object = {},
  mode: Mode = 'database',
  more: GatewayOptions = {},
): Promise<World> {
  const cluster = await StandInCluster.start();
  cluster.secondMs = 20;
  const gateway = await startGateway({ mode, ...more });
  onTestFinished(() => gateway.stop());
  const trusted = join(testFolder(), 'ca.pem');
  writeFileSync(trusted, ca.cert);
  const config = completeConfig({
    sources: [{ type: 'kubernetes', kubeconfig: cluster.kubeconfig(), create: true, ...source }],
    trusted_issuers_file: trusted,
    takeover_grace: 0,
    verify: { timeout: 2 },
  });
  const connection = await connect({ prefix: gateway.prefix }, {});
  const homesFile = new HomesFile(join(gateway.prefix, 'homes'));
  const runner = compose(config, connection, { homesFile, patienceMs: Infinity });
  onTestFinished(() => {
    connection.client.close();
    runner.close();
  });
  const api = async (method: string, path: string, body?: object) => {
    const headers = { 'content-type': 'application/json' };
    const sent = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
    const response = await fetch(gateway.adminUrl + path, sent);
    expect(response.ok).toBe(true);
    return response.status === 204 ? {} : ((await response.json()) as object);
  };
  const configure = (rows: readonly object[]) =>
    api('POST', '/config', { config: JSON.stringify({ _format_version: '3.0', certificates: rows }) });
  const certificates = async () =>
    ((await api('GET', '/certificates?size=1000')) as { data: Awaited<ReturnType<World['certificates']>> })
      .data;
  return {
    cluster,
    settle: async () => {
      for (let quiet = 0; quiet < 2;) {
        const { events } = await runner.pass('command');
        quiet = events.some(({ outcome: { kind } }) => kind === 'swapped' || kind === 'removed')
          ? 0
          : quiet + 1;
      }
    },
    served: (host = BANK) => servedLeaf(gateway.tlsPort, host),
    post: async (pair, snis, extra = {}) => {
      const row = { cert: pair.chain, key: pair.key, ...extra };
      if (mode === 'database') await api('POST', '/certificates', { ...row, snis });
      else await configure([{ ...row, snis: snis.map((name) => ({ name })) }]);
    },
    empty: async () => {
      if (mode === 'dbless') await configure([]);
      else for (const { id } of await certificates()) await api('DELETE', `/certificates/${id}`);
    },
    certificates,
  };
}
