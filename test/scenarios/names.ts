import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Authority, type Issued } from '../../src/authority/authority';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { leafOf, servedChain, servedLeaf } from '../support/tls';
import { admin, startWith, type KongMode, type StartKong, type TestKong } from './kong';

const root = Authority.root();
const issuer = root.intermediate('First Intermediate');
const [A, B, C] = ['a.example.test', 'b.example.test', 'c.example.test'] as const;

/** A leaf that was issued `ageMinutes` ago: the smaller, the newer. */
const leaf = (names: readonly string[], ageMinutes: number, authority = issuer) =>
  authority.issue({ names, notBefore: new Date(Date.now() - ageMinutes * 60_000) });

const serves = (kong: TestKong, name: string, pair: Issued) =>
  eventually(`${name} gets it`, async () => (await servedLeaf(kong.tlsPort, name)) === leafOf(pair.cert));

/** Stories about names one by one, and about whole chains. */
export function describeNames(startKong: StartKong, mode: KongMode): void {
  const follow = (path: string) =>
    startWith(startKong, mode, { interval: 1, sources: [{ type: 'directory', path }] });

  describe(`names and chains with ${mode === 'dbless' ? 'no database' : 'a database'}`, () => {
    it('a renewal gains a name, loses it again, and at no moment a name is served by a stranger', async () => {
      const certs = testFolder();
      const first = leaf([A, B], 60);
      writePair(certs, 'site', first);
      const kong = await follow(certs);
      await serves(kong, A, first);
      await serves(kong, B, first);
      const pairs = [first];
      const watch = watching(kong, [A, B], pairs);

      const gained = leaf([A, B, C], 40);
      pairs.push(gained);
      writePair(certs, 'site', gained);
      for (const name of [A, B, C]) await serves(kong, name, gained);

      const lost = leaf([A, B], 20);
      pairs.push(lost);
      writePair(certs, 'site', lost);
      for (const name of [A, B]) await serves(kong, name, lost);
      // A name that a renewal lost keeps its previous certificate.
      await serves(kong, C, gained);
      expect(await watch()).toEqual([]);
    });

    it('a name moves to another certificate, and the others stay', async () => {
      const certs = testFolder();
      const both = leaf([A, B], 60);
      writePair(certs, 'both', both);
      const kong = await follow(certs);
      await serves(kong, B, both);
      const pairs = [both];
      const watch = watching(kong, [A, B], pairs);

      const [own, rest] = [leaf([B], 30), leaf([A], 29)];
      pairs.push(own, rest);
      writePair(certs, 'own', own);
      writePair(certs, 'both', rest);
      await serves(kong, B, own);
      await serves(kong, A, rest);
      expect(await watch()).toEqual([]);
    });

    it("each name of somebody else's certificate gets its own once that one has expired", async () => {
      const certs = testFolder();
      // It counts as expired a minute early; a slow Kong may have it by then.
      const notAfter = new Date(Date.now() + 66_000);
      const both = issuer.issue({ names: [A, B], notBefore: new Date(Date.now() - 7_200_000), notAfter });
      const [own, other] = [leaf([A], 30), leaf([B], 29)];
      writePair(certs, 'own', own);
      writePair(certs, 'other', other);
      const id = '11111111-1111-4111-8111-111111111111';
      const snis = [{ name: A }, { name: B }];
      const kong = await startWith(
        startKong,
        mode,
        { interval: 1, sources: [{ type: 'directory', path: certs }] },
        { certificates: [{ id, cert: both.chain, key: both.key, snis }] },
      );
      await serves(kong, A, own);
      await serves(kong, B, other);
      expect((await admin(kong, 'GET', `/certificates/${id}`)).body).toMatchObject({ cert: both.chain });
    });

    it('a leaf alone is served with the chain beside it, or not at all', async () => {
      const folder = join(testFolder(), 'site');
      mkdirSync(folder);
      const put = ({ cert, chain, key }: Issued, withChain: boolean) => {
        writeFileSync(join(folder, 'privkey.pem'), key, { mode: 0o600 });
        const rest = chain.slice(cert.length);
        if (withChain) writeFileSync(join(folder, 'chain.pem'), rest);
        else rmSync(join(folder, 'chain.pem'), { force: true });
        writeFileSync(join(folder, 'cert.pem'), cert);
      };
      const isWhole = async (kong: TestKong, { chain }: Issued) =>
        (await servedChain(kong.tlsPort, A)).join() === blocks(chain).map(leafOf).join();
      const first = leaf([A], 60);
      put(first, true);
      const kong = await follow(folder);
      await eventually('it comes with its chain', () => isWhole(kong, first));

      const sameIssuer = leaf([A], 40);
      put(sameIssuer, false);
      await eventually("Kong's own chain completes it", () => isWhole(kong, sameIssuer));

      // An intermediate of the same name with another key.
      const second = leaf([A], 20, root.intermediate('First Intermediate'));
      put(second, false);
      await eventually('it is refused', () => kong.log().find(({ reason }) => reason === 'chain_incomplete'));
      expect(await isWhole(kong, sameIssuer)).toBe(true);

      put(second, true);
      await eventually('it comes with the chain that was added', () => isWhole(kong, second));
    });
  });
}

const blocks = (pem: string) => pem.match(/-----BEGIN [^]*?-----END CERTIFICATE-----\n?/g) ?? [];

/**
 * Looks all the time at what is served for names.
 * @param pairs what may be served; more may be added
 * @returns how to end it, and get what else was served
 */
function watching(kong: TestKong, names: readonly string[], pairs: readonly Issued[]) {
  const wrong: string[] = [];
  let isOver = false;
  const look = async (name: string) => {
    while (!isOver) {
      const served = await servedLeaf(kong.tlsPort, name).catch(String);
      if (!pairs.some(({ cert }) => leafOf(cert) === served)) wrong.push(`${name}: ${served}`);
    }
  };
  const looks = names.map(look);
  return async () => {
    isOver = true;
    await Promise.all(looks);
    return wrong;
  };
}
