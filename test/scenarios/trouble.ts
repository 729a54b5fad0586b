import { describe, expect, it } from 'vitest';
import { dump, load } from 'js-yaml';
import { Authority, type Issued } from '../../src/authority/authority';
import { adminFront, type AdminFront, type Intercept } from '../support/admin-front';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedLeaf } from '../support/tls';
import { tlsServer } from '../support/tls-server';
import { admin, startWith, type KongMode, type StartKong, type TestKong } from './kong';

const issuer = Authority.root().intermediate();
const HOST = 'shop.example.test';
const ID = '11111111-1111-4111-8111-111111111111';
const leaf = (ageMinutes: number) =>
  issuer.issue({ names: [HOST], notBefore: new Date(Date.now() - ageMinutes * 60_000) });

const byHand = ({ chain, key }: Issued) => ({
  ...{ id: ID, cert: chain, key, tags: ['by-hand'] },
  snis: [{ name: HOST }],
});

const isServed = (kong: TestKong, pair: Issued) =>
  eventually('it is served', async () => (await servedLeaf(kong.tlsPort, HOST)) === leafOf(pair.cert));

/** Stories about a Kong that does not do as it is told. */
export function describeTrouble(startKong: StartKong, mode: KongMode): void {
  const isWrite: (method: string, path: string) => boolean =
    mode === 'dbless'
      ? (method, path) => method === 'POST' && path.startsWith('/config')
      : (method, path) => method === 'PATCH' && path.startsWith('/certificates');

  /** A Kong with a certificate, whose plugin asks its Admin API through a front. */
  async function behindFront(present: Issued): Promise<{ kong: TestKong; front: AdminFront; certs: string }> {
    const certs = testFolder();
    const front = await adminFront();
    const config = { interval: 1, admin: { url: front.url }, sources: [{ type: 'directory', path: certs }] };
    const kong = await startWith(startKong, mode, config, { certificates: [byHand(present)] });
    front.target = kong.adminUrl;
    await isServed(kong, present);
    await eventually('it follows', () => kong.log().find(({ message }) => message === 'first pass done'));
    return { kong, front, certs };
  }

  describe(`trouble with ${mode === 'dbless' ? 'no database' : 'a database'}`, () => {
    it('a certificate that is not served is rolled back to exactly what was there', async () => {
      const certs = testFolder();
      const present = leaf(60);
      // A listener beside Kong's own that goes on with what it had.
      let shown: Issued = present;
      const { port } = await tlsServer(() => shown);
      const verify = { timeout: 3, listeners: [`127.0.0.1:${port}`] };
      const config = { interval: 1, verify, sources: [{ type: 'directory', path: certs }] };
      const kong = await startWith(startKong, mode, config, { certificates: [byHand(present)] });
      await isServed(kong, present);
      const stored = async () => {
        const { body } = await admin(kong, 'GET', `/certificates/${ID}`);
        const { updated_at: _, ...rest } = body as Record<string, unknown>;
        return rest;
      };
      const before = await stored();

      const next = leaf(20);
      writePair(certs, HOST, next);
      await eventually('it is rolled back', () =>
        kong.log().find(({ message }) => message === 'certificate rolled back'),
      );
      expect(await stored()).toEqual(before);
      await isServed(kong, present);

      shown = leaf(10);
      writePair(certs, HOST, shown);
      await isServed(kong, shown);
      await eventually('it is proven', () => kong.log().find(({ proof }) => proof === 'served'));
    });

    it.for([
      [401, { message: 'Unauthorized' }],
      [403, { message: 'You do not have permissions to update this resource' }],
    ] as const)(
      'a write that is answered with %i is made once it may be, without a restart',
      async ([status, body]) => {
        const present = leaf(60);
        const { kong, front, certs } = await behindFront(present);
        front.intercept = (method, path) => (isWrite(method, path) ? { status, body } : null);
        const next = leaf(20);
        writePair(certs, HOST, next);
        const line = await eventually('it is said', () =>
          kong.log().find(({ message }) => message === 'swap failed; it is tried again'),
        );
        expect(line['error']).toContain(String(status));
        expect(await servedLeaf(kong.tlsPort, HOST)).toBe(leafOf(present.cert));

        front.intercept = () => null;
        await isServed(kong, next);
        await eventually('it is proven', () => kong.log().find(({ proof }) => proof === 'served'));
      },
    );

    it('a Kong that is busy (429) gets the write once more', async () => {
      const { kong, front, certs } = await behindFront(leaf(60));
      let busy = 2;
      front.intercept = (method, path) =>
        isWrite(method, path) && busy-- > 0
          ? { status: 429, body: { message: 'busy' }, headers: { 'retry-after': '1' } }
          : null;
      const next = leaf(20);
      writePair(certs, HOST, next);
      await isServed(kong, next);
      await eventually('it is proven', () => kong.log().find(({ proof }) => proof === 'served'));
      expect(busy).toBeLessThanOrEqual(0);
    });

    it('a newer certificate that somebody else writes meanwhile stays, not for a moment an older one', async () => {
      const { kong, front, certs } = await behindFront(leaf(60));
      const [ours, newer] = [leaf(20), leaf(5)];
      const tries: string[] = [];
      front.intercept = meeting(isWrite, async () => {
        await writeByHand(kong, newer);
        tries.push('met');
      });
      writePair(certs, HOST, ours);
      await eventually('both write', () => tries.length === 1);
      const served = new Set<string>();
      await eventually('what is older is refused', async () => {
        served.add(await servedLeaf(kong.tlsPort, HOST));
        return kong.log().find(({ reason }) => reason === 'older_than_stored');
      });
      served.add(await servedLeaf(kong.tlsPort, HOST));
      expect(served).not.toContain(leafOf(ours.cert));
      const { body } = await admin(kong, 'GET', `/certificates/${ID}`);
      expect(leafOf((body as { cert: string }).cert)).toBe(leafOf(newer.cert));
    });
  });
}

/** At the first write somebody else's comes first, and Kong is busy with that. */
function meeting(isWrite: (method: string, path: string) => boolean, first: () => Promise<void>): Intercept {
  let hasMet = false;
  return async (method, path) => {
    if (hasMet || !isWrite(method, path)) return null;
    hasMet = true;
    await first();
    return { status: 429, body: { message: 'busy' }, headers: { 'retry-after': '1' } };
  };
}

/** Writes the same certificate as another writer. */
async function writeByHand(kong: TestKong, { chain, key }: Issued): Promise<void> {
  if (kong.mode === 'database') {
    await admin(kong, 'PATCH', `/certificates/${ID}`, { cert: chain, key });
    return;
  }
  const { body } = await admin(kong, 'GET', '/config');
  const document = load((body as { config: string }).config) as { certificates: Record<string, unknown>[] };
  for (const certificate of document.certificates) {
    delete certificate['snis'];
    if (certificate['id'] === ID) Object.assign(certificate, { cert: chain, key });
  }
  const { status } = await admin(kong, 'POST', '/config', { config: dump(document) });
  if (status !== 201) throw new Error(`the configuration was refused with ${status}`);
}
