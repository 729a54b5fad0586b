import { expect, onTestFinished } from 'vitest';
import { connect } from '../../../src/app/connection';
import {
  changeId,
  type Change,
  type Gateway,
  type PemPair,
  type Prepare,
  type StoredCertificate,
  type WriteResult,
  type Written,
} from '../../../src/model';
import type { Issued } from '../../../src/authority/authority';
import { startGateway, type Mode } from '../../gateway';
import { issue, opened, rawOf } from '../../support/bundles';
import { leafOf, servedLeaf } from '../../support/tls';

export const MODES = ['database', 'dbless'] as const;

export const idOf = (digit: number) => `${String(digit).repeat(8)}-1111-4111-8111-111111111111`;

export interface Seed {
  id: string;
  issued: Issued;
  snis: readonly string[];
  tags?: readonly string[];
}

export const aged = (days: number, ...names: string[]): Issued =>
  issue({ names, notBefore: new Date(Date.now() - days * 86_400_000) });

export const pairOf = ({ chain, key }: Issued): PemPair => ({ cert: chain, key });

/** A stand-in with these certificates, and what is under test on it. */
export async function kongWith(mode: Mode, seeds: readonly Seed[] = [], maxBodyBytes?: number) {
  const stand = await startGateway({ mode, ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }) });
  onTestFinished(() => stand.stop());
  await put(stand.adminUrl, mode, seeds);
  const join = async () => {
    const { gateway, open, client } = await connect({ prefix: stand.prefix }, {});
    onTestFinished(() => client.close());
    await gateway.certificates.refresh();
    return { gateway, open };
  };
  const { gateway, open } = await join();
  stand.clearRequests();
  const stored = (id: string): StoredCertificate => {
    const found = gateway.certificates.stored.get(id);
    if (found === undefined) throw new Error(`certificate ${id} is not known`);
    return found;
  };
  return {
    stand,
    gateway,
    open,
    stored,
    /** Another gateway object, which has read all that Kong stores now. */
    connectAgain: async () => (await join()).gateway,
    served: (sni: string) => servedLeaf(stand.tlsPort, sni),
    /** Everything that the stand-in stores of certificates and SNIs, but for times. */
    state: () => stateOf(stand),
    writes: () => stand.requests.filter(({ method }) => method !== 'GET').length,
  };
}

export type Kong = Awaited<ReturnType<typeof kongWith>>;

const stateOf = (stand: { certificates: Awaited<ReturnType<typeof startGateway>>['certificates'] }) =>
  stand.certificates().map(({ id, cert, key, cert_alt, key_alt, tags, names }) => ({
    ...{ id, cert: cert.trim(), key: key.trim(), cert_alt: cert_alt ?? null, key_alt: key_alt ?? null },
    ...{ tags: tags ?? [], names: [...names].sort() },
  }));

/** Puts certificates into Kong as another writer. */
export async function put(adminUrl: string, mode: Mode, seeds: readonly Seed[]): Promise<void> {
  const entities = seeds.map(({ id, issued, snis, tags = [] }) => ({ id, ...pairOf(issued), snis, tags }));
  if (mode === 'database') {
    for (const { id, ...fields } of entities) await send(adminUrl, 'PUT', `/certificates/${id}`, fields);
    return;
  }
  const certificates = entities.map(({ snis, ...fields }) => ({
    ...fields,
    snis: snis.map((name) => ({ name })),
  }));
  const config = JSON.stringify({ _format_version: '3.0', certificates });
  await send(adminUrl, 'POST', '/config', { config });
}

export async function send(adminUrl: string, method: string, path: string, body?: object): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const init = body === undefined ? { method } : { method, headers, body: JSON.stringify(body) };
  const answer = await fetch(adminUrl + path, init);
  expect(answer.status, await answer.text()).toBeLessThan(300);
}

type Update = Extract<Change, { kind: 'update' }>;

const bundleOf = (issued: Issued, id: string) => ({ ...opened(rawOf(issued)).bundle, id, create: true });

export const updating = (
  certificate: StoredCertificate,
  issued: Issued,
  more: Partial<Omit<Update, 'kind' | 'certificate' | 'bundle'>> = {},
): Update => ({
  ...{ kind: 'update', bundle: bundleOf(issued, certificate.id), certificate, half: 'main' },
  ...{ isOfController: false, addSnis: [], ...more },
});

export const creating = (
  id: string,
  issued: Issued,
  snis: readonly string[],
  more: Partial<Extract<Change, { kind: 'create' }>> = {},
): Change => ({ kind: 'create', bundle: bundleOf(issued, id), id, snis, ...more });

/** Writes changes, each with the texts of the certificate that it is for. */
export async function write(
  gateway: Gateway,
  changes: readonly (readonly [Change, Issued])[],
): Promise<WriteResult[]> {
  const texts = new Map(changes.map(([change, issued]) => [change, pairOf(issued)]));
  const prepare: Prepare = (change) => Promise.resolve(texts.get(change) as PemPair);
  const edits = { certificates: changes.map(([change]) => change), caCertificates: [] };
  return (await gateway.write(edits, prepare)).certificates;
}

export const kindsOf = (results: readonly WriteResult[]) =>
  Object.fromEntries(results.map((result) => [changeId(result.change), result.kind]));

export function writtenOf(results: readonly WriteResult[]): Written[] {
  const written = results.filter((result) => result.kind === 'written');
  expect(written, JSON.stringify(results.map(({ kind }) => kind))).toHaveLength(results.length);
  return written;
}

/** Looks at each moment between two writes, and afterwards, that each name is served by one of its certificates. */
export function watching(kong: Kong, expected: Readonly<Record<string, readonly Issued[]>>) {
  const look = async () => {
    for (const [name, all] of Object.entries(expected)) {
      expect(
        all.map(({ cert }) => leafOf(cert)),
        name,
      ).toContain(await kong.served(name));
    }
  };
  const end = kong.stand.beforePost(look);
  return async () => {
    end();
    await look();
  };
}
