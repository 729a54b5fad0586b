import { readPem } from '../certificates';
import { Slices } from '../common/slices';
import {
  changeHalf,
  changeId,
  type CertificateStore,
  type Change,
  type Digest,
  type Expectation,
  type Gateway,
  type Half,
  type Proof,
  type ServedNames,
  type Verifier,
  type WriteResult,
  type Written,
} from '../model';
import type { PassContext, ProgressListener, Step } from './step';

/** The part of a gateway that proofs need. */
interface ProofGateway {
  certificates: Pick<CertificateStore, 'readOne' | 'stored'>;
  emptyCaches: Gateway['emptyCaches'];
}

/** Certificates of one batch of proofs for which caches are emptied: where more are not served, caches are not the cause. */
const MOST_EMPTIED = 10;

/** Proves by handshakes whether what was written is served. */
export class ProveStep implements Step {
  /** @param verifier null: writes are not proven */
  constructor(
    private readonly gateway: ProofGateway,
    private readonly verifier: Verifier | null,
    private readonly progress: ProgressListener | undefined,
  ) {}

  async run({ work }: PassContext): Promise<void> {
    const written = writtenOf(work.results);
    if (this.verifier !== null) this.progress?.begin('prove', written.length);
    work.proofs = await prove(written, this.verifier, this.gateway, work.before, () => this.progress?.step());
  }
}

/** Names to be proven, including those that the write adds. */
export const namesOf = (change: Change): readonly string[] =>
  change.kind === 'create' ? change.snis : [...change.certificate.snis, ...change.addSnis];

export const writtenOf = (results: readonly WriteResult[]): Written[] =>
  results.filter((result) => result.kind === 'written');

/** The chain that was written. */
export const chainOf = ({ change, current }: Written) =>
  readPem(current.cert, '')?.chain ?? change.bundle.chain;

/** Whether Kong stores this chain; null: unknown. */
export async function isStored(
  certificates: Pick<CertificateStore, 'readOne'>,
  certificate: string,
  half: Half,
  chain: string,
): Promise<boolean | null> {
  try {
    const stored = await certificates.readOne(certificate);
    return stored?.[half]?.chain === chain;
  } catch {
    return null;
  }
}

/**
 * Makes handshakes for every write; the proofs come in the same order, and none without a verifier.
 * @param before what was served before each change
 * @param proven called for each one that is decided
 */
export async function prove(
  written: readonly Written[],
  verifier: Verifier | null,
  gateway: ProofGateway,
  before: ReadonlyMap<Change, ServedNames> = new Map(),
  proven?: () => void,
): Promise<Proof[]> {
  if (verifier === null || written.length === 0) return [];
  // A certificate that just gained its other half is now one with twins.
  const gained = new Set(
    written.filter(({ change }) => changeHalf(change) === 'alt').map(({ change }) => changeId(change)),
  );
  const { certificates } = gateway;
  let left = MOST_EMPTIED;
  const emptyCaches = (id: string, snis: readonly string[]) =>
    left-- > 0 ? gateway.emptyCaches({ id, snis }) : Promise.resolve(false);
  const isKongs = kongsLeaves(certificates);
  const expectations: Expectation[] = [];
  const slices = new Slices();
  const expect = (one: Written): Expectation => {
    const { change } = one;
    const chain = chainOf(one);
    const { keyType } = change.bundle.leaf;
    const hasTwin =
      gained.has(changeId(change)) || (change.kind === 'update' && change.certificate.alt !== null);
    const observed = before.get(change);
    return {
      snis: one.snis,
      chains: shownAs(chain, change.bundle.chain),
      previous: previousOf(one),
      added: addedBy(one),
      ...(observed === undefined ? {} : { before: observed }),
      isKongs,
      emptyCaches: () => emptyCaches(changeId(change), addedBy(one)),
      isStored: () => isStored(certificates, changeId(change), changeHalf(change), chain),
      ...(hasTwin && keyType !== 'other' ? { keyType } : {}),
    };
  };
  for (const one of written) {
    expectations.push(expect(one));
    if (slices.due) await slices.pause();
  }
  return verifier.prove(expectations, proven);
}

/** Kong's chain before the write; null: none. */
function previousOf({ change, before }: Written): Digest | null {
  const pair = before?.[changeHalf(change)] ?? null;
  return pair === null ? null : (readPem(pair.cert, '')?.chain ?? null);
}

/** SNIs that the write added. */
const addedBy = ({ snis, before }: Written) => snis.filter((sni) => before?.snis.includes(sni) !== true);

/** Tells whether a leaf belongs to a certificate that Kong stores; looked up only where another one is served. */
function kongsLeaves({ stored }: ProofGateway['certificates']): (leaf: Digest) => boolean {
  let leaves: Set<string> | null = null;
  const leafOf = (chain: Digest) => chain.split('.', 1)[0] ?? '';
  return (leaf) => {
    leaves ??= new Set(
      [...stored.values()].flatMap(({ main, alt }) => [
        leafOf(main.chain),
        ...(alt === null ? [] : [leafOf(alt.chain)]),
      ]),
    );
    return leaves.has(leaf);
  };
}

/**
 * Forms in which a handshake may show the written chain: each certificate once, and with some versions of Node in
 * the order of issuers, without certificates outside of it. The ingress controller writes a Secret as it is found.
 */
function shownAs(written: Digest, ordered: Digest): Digest[] {
  const once = [...new Set(written.split('.'))].join('.');
  if (once.startsWith(ordered)) return [once];
  const parts = ordered.split('.');
  return [once, ...parts.slice(1).map((_, index) => parts.slice(0, index + 2).join('.'))];
}
