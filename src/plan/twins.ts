import { ownerOf, type Change, type SourcedBundle, type StoredCertificate, type StoredHalf } from '../model';
import { certificateIdOf, isForServers } from './bundle-index';
import { covers } from './names';
import { byAge } from './ranking';
import type { World } from './world';

/*
 * Twins: RSA and ECDSA side by side, as the two halves `cert` and `cert_alt` of one certificate in Kong, of which
 * each client gets the one that it supports. Kong refuses two halves of one type.
 */

/** Clients differ in their support for RSA and ECDSA, so these two come first. */
const TYPES = ['rsa', 'ec', 'ed25519'];

/** Bundles of the same owner that may be the other half beside this one, best first. */
function twinsOf(world: World, certificateId: string, main: SourcedBundle): SourcedBundle[] {
  const { index } = world;
  const fixed = index.fixedFor(certificateId);
  const likely = fixed.length > 0 ? fixed : index.alike(main.leaf);
  if (likely.length < 2) return [];
  const rank = ({ leaf }: SourcedBundle) => TYPES.indexOf(leaf.keyType);
  return likely
    .filter(
      (bundle) =>
        bundle.create &&
        bundle.leaf.keyType !== main.leaf.keyType &&
        rank(bundle) !== -1 &&
        isForServers(bundle) &&
        ownerOf(bundle) === ownerOf(main),
    )
    .sort((a, b) => rank(a) - rank(b) || byAge(a, b) || (a.id < b.id ? -1 : 1));
}

/** The first that is fit. A long expired one is a left-over; reasons against the others are noted. */
function firstFit(world: World, twins: readonly SourcedBundle[]): SourcedBundle | undefined {
  const { refused } = world.plan;
  return twins.find((bundle) => {
    const why = world.input.barred.get(bundle.id);
    if (why !== undefined && !refused.has(bundle.id)) refused.set(bundle.id, why);
    return world.unfit(bundle) === null;
  });
}

/** Adds the other half to a certificate of ours that has one, where the owner of the first has it. */
export function completeTwins(
  world: World,
  certificate: StoredCertificate,
  main: SourcedBundle | null,
): void {
  const { id, snis } = certificate;
  if (main === null || snis.length === 0) return;
  const twin = firstFit(
    world,
    twinsOf(world, id, main).filter(({ leaf, hosts }) =>
      snis.every((sni) => covers(leaf, sni) && (hosts === undefined || hosts.includes(sni))),
    ),
  );
  if (twin === undefined) return;
  world.plan.changes.push(toAlt(twin, certificate));
  world.use(twin, certificate);
}

/**
 * Creates a certificate, with both halves where another bundle is its twin: RSA first, so that every gateway
 * creates the same one.
 */
export function withTwin(
  world: World,
  bundle: SourcedBundle,
  names: Pick<Change & { kind: 'create' }, 'snis' | 'moveSnis'>,
): [Change & { kind: 'create' }, ...Change[]] {
  // A bundle requested for other hosts gets a certificate of its own, and keeps one that it has.
  const isFree = (twin: SourcedBundle) =>
    twin.hosts?.join() === bundle.hosts?.join() && !world.certificates.has(certificateIdOf(twin));
  const twins = twinsOf(world, certificateIdOf(bundle), bundle).filter(
    (twin) => bundle.snis !== undefined || isFree(twin),
  );
  const twin = firstFit(world, twins);
  const [main, alt] = twin?.leaf.keyType === 'rsa' ? [twin, bundle] : [bundle, twin];
  const create = { kind: 'create' as const, bundle: main, id: certificateIdOf(main), ...names };
  if (alt === undefined) return [create];
  // What Kong will have when the second change is carried out.
  const { chain, content, leaf, reach } = main;
  const half: StoredHalf = { chain, content, leaf, reach, vaultReference: false };
  const snis = [...names.snis, ...(names.moveSnis ?? []).map(({ name }) => name)];
  const created = { id: create.id, snis, owner: 'us' as const, secret: null, main: half, alt: null };
  return [create, toAlt(alt, created)];
}

const toAlt = (bundle: SourcedBundle, certificate: StoredCertificate): Change => ({
  kind: 'update',
  bundle,
  certificate,
  half: 'alt',
  isOfController: false,
  addSnis: [],
});
