import { checkShape, coversSni } from '../certificates';
import type { Change, Plan, SourcedBundle, StoredCertificate, StoredHalf } from '../model';
import { certificateIdOf, type BundleIndex } from './bundle-index';
import type { PlanInput } from './plan';

/*
 * RSA and ECDSA side by side: one certificate of Kong's with two halves, `cert` and `cert_alt`, of which each client
 * gets the one that it can check. Kong refuses two halves of one type.
 */

type Limits = Pick<PlanInput, 'barred' | 'now'>;

/** The first that is fit. One that expired long ago is a left-over; why another one did not get through is noted. */
function firstFit(
  { barred, now }: Limits,
  plan: Plan,
  twins: readonly SourcedBundle[],
): SourcedBundle | undefined {
  return twins.find((bundle) => {
    const why = barred.get(bundle.id);
    if (why !== undefined && !plan.refused.has(bundle.id)) plan.refused.set(bundle.id, why);
    return why === undefined && checkShape(bundle, now) === null;
  });
}

/**
 * A certificate of ours with one half gains the other where a bundle has it.
 * @param main what its first half has or gets; null: what Kong has stays
 */
export function completeTwins(
  input: Limits,
  plan: Plan,
  index: BundleIndex,
  certificate: StoredCertificate,
  main: SourcedBundle | null,
): void {
  const { id, owner, snis, alt } = certificate;
  const leaf = main?.leaf ?? certificate.main.leaf;
  if (owner !== 'us' || alt !== null || leaf === null || snis.length === 0) return;
  const twins = index
    .twinsOf(id, leaf)
    .filter(({ leaf: { names }, hosts = snis }) =>
      snis.every(
        (sni) => coversSni(names, sni) && hosts.some((host) => host.toLowerCase() === sni.toLowerCase()),
      ),
    );
  const twin = firstFit(input, plan, twins);
  if (twin !== undefined) plan.changes.push(toAlt(twin, certificate));
}

/**
 * Creates a certificate, with both halves where another bundle is its twin: RSA first, so that every gateway's
 * reloader makes the same one of them.
 */
export function withTwin(
  input: Limits,
  plan: Plan,
  index: BundleIndex,
  bundle: SourcedBundle,
  snis: readonly string[],
): [Change, ...Change[]] {
  const twins = index.twinsOf(certificateIdOf(bundle), bundle.leaf);
  // What is asked for other hosts gets a certificate of its own.
  const isAskedAlike = ({ hosts }: SourcedBundle) => hosts?.join() === bundle.hosts?.join();
  const twin = firstFit(input, plan, twins.filter(isAskedAlike));
  const [main, alt] = twin?.leaf.keyType === 'rsa' ? [twin, bundle] : [bundle, twin];
  const create: Change = { kind: 'create', bundle: main, id: certificateIdOf(main), snis };
  if (alt === undefined) return [create];
  // What Kong is going to have by the time that the second change is carried out.
  const { chain, content, leaf, reach } = main;
  const half: StoredHalf = { chain, content, leaf, reach, vaultReference: false };
  const created = { id: create.id, snis, owner: 'us' as const, secret: null, main: half, alt: null };
  return [create, toAlt(alt, created)];
}

const toAlt = (bundle: SourcedBundle, certificate: StoredCertificate): Change => ({
  kind: 'update',
  bundle,
  certificate,
  half: 'alt',
  isControllers: false,
  addSnis: [],
});
