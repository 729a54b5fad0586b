import { createPublicKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Authority } from '../../src/authority/authority';
import { decodePem, identify, parseCertificate, readCaBundle } from '../../src/certificates';
import { isRefusal, type CaChange, type StoredCa } from '../../src/model';
import { Trust } from '../../src/trust';
import { planTrust, type TrustedCa } from '../../src/trust/plan';
import { MemorySource } from '../support/stages';

/*
 * Services and plugins refer to CA certificates by their id: whoever may put another one into the entity decides who is
 * let in.
 */

const victim = Authority.root('CA of the bank');
const OUR_TAGS = ['ssl-cert-reloader', 'ssl-cert-reloader-trust-source'] as const;

const derOf = (pem: string) => decodePem(pem)?.[0]?.der ?? Buffer.alloc(0);

/** Made by hand, or for somebody else. */
function entity(tags: string[] = []): StoredCa {
  const certificate = identify(parseCertificate(derOf(victim.cert)));
  return { id: 'entity', digest: certificate.digest, certificate, tags };
}

/** The victim's subject and key, later dates, and the signature of somebody else. @param issuer what it says who signed it */
function forged(issuer = 'Somebody'): string {
  const publicKey = createPublicKey(victim.privateKey).export({ type: 'spki', format: 'der' });
  const notAfter = new Date(Date.now() + 3_000 * 86_400_000);
  return Authority.root(issuer).issue({
    names: [victim.name],
    ca: true,
    withoutNames: true,
    publicKey,
    notAfter,
  }).cert;
}

/** The victim's subject and another key, signed by itself. */
const namesake = () => Authority.root(victim.name).cert;

async function planFor(pem: string, stored: StoredCa, object?: string) {
  const found = await readCaBundle({ name: 'ca', location: 'ca.pem', cert: pem, key: '' });
  if (isRefusal(found)) throw new Error(found.message);
  const certificates = found.map((ca): TrustedCa => (object === undefined ? ca : { ...ca, object }));
  return planTrust({
    bundles: [{ source: 'source', tags: OUR_TAGS, certificates, isWhole: true }],
    stored: new Map([[stored.id, stored]]),
    now: Date.now(),
    allowDowngrade: true,
    refusedByKong: new Map(),
  });
}

describe.each([
  ["with the victim's subject and key, signed by another", () => forged()],
  ["with the victim's subject, key and issuer, and a signature of another key", () => forged(victim.name)],
  ["with the victim's subject and a key of its own", namesake],
])('a CA %s', (_name, make) => {
  it.each([
    ['from a source of tenants', 'ssl-cert-reloader-from-evil'],
    ["from the operator's own source", undefined],
  ])('%s replaces no entity that was made by hand', async (_, object) => {
    const { changes, gone } = await planFor(make(), entity(), object);
    expect(changes.map(({ kind, id }) => [kind, id === 'entity'])).toEqual([['create', false]]);
    expect(gone).toEqual([]);
  });

  it("from a source of tenants replaces no entity that was made for another tenant's object", async () => {
    const stored = entity([...OUR_TAGS, 'ssl-cert-reloader-from-bank']);
    const { changes } = await planFor(make(), stored, 'ssl-cert-reloader-from-evil');
    expect(changes.map(({ kind, id }) => [kind, id === 'entity'])).toEqual([['create', false]]);
  });
});

it("a tenant's broken object keeps no CA of another in Kong that has left its own", async () => {
  const source = Object.assign(new MemorySource('source'), { ownership: 'tenants' as const });
  const [left, kept] = [Authority.root('left'), Authority.root('kept')];
  const put = (name: string, ...cas: Authority[]) =>
    source.put(name, { cert: cas.map(({ cert }) => cert).join(''), key: '' });
  const stored = new Map<string, StoredCa>();
  const caCertificates = { stored, refresh: () => Promise.resolve(false) };
  let now = Date.now();
  const trust = new Trust({
    sources: [source],
    gateway: { caCertificates, write: () => Promise.reject(new Error()) } as never,
    ...{ allowDowngrade: false, tag: 'ours', now: () => now },
  });
  /** What a pass would write. */
  const planned = async () => {
    const work = { caChanges: [] as CaChange[] };
    await trust.scan.run({ work, observe: false, mayWrite: () => true } as never);
    return work.caChanges;
  };
  put('bank/ca', left, kept);
  put('evil/ca', Authority.root('evil'));
  for (const change of await planned()) {
    if (change.kind !== 'create') throw new Error(change.kind);
    const { id, ca, tags } = change;
    stored.set(id, { id, digest: ca.digest, certificate: ca, tags });
  }
  expect(stored.size).toBe(3);
  put('bank/ca', kept);
  source.put('evil/ca', { cert: 'nonsense', key: '' });
  await planned();
  now += 61_000;
  expect(
    (await planned()).map((change) => [change.kind, stored.get(change.id)?.certificate?.subject]),
  ).toEqual([['remove', identify(parseCertificate(derOf(left.cert))).subject]]);
});

it('a renewal by the CA itself does replace it, from the source of the operator', async () => {
  const renewed = Authority.root(victim.name, { key: victim.privateKey }).cert;
  const { changes } = await planFor(renewed, entity());
  expect(changes.map(({ kind, id }) => [kind, id])).toEqual([['update', 'entity']]);
});
