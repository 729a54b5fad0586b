import { readPem } from '../certificates';
import {
  changeId,
  type Change,
  type Digest,
  type Expectation,
  type Half,
  type Proof,
  type Target,
  type Verifier,
  type WriteResult,
} from '../model';
import type { PassContext, ProgressListener, Step } from './step';

export type Written = Extract<WriteResult, { kind: 'written' }>;

/** Shows by handshakes whether what was written is served. */
export class ProveStep implements Step {
  /** @param verifier null: what is written is not proven */
  constructor(
    private readonly target: Pick<Target, 'look'>,
    private readonly verifier: Verifier | null,
    private readonly progress?: ProgressListener,
  ) {}

  async run({ work }: PassContext): Promise<void> {
    this.progress?.proving(true);
    work.proofs = await prove(writtenOf(work.results), this.verifier, this.target);
    this.progress?.proving(false);
  }
}

export const writtenOf = (results: readonly WriteResult[]): Written[] =>
  results.filter((result) => result.kind === 'written');

export const halfOf = (change: Change) => (change.kind === 'create' ? 'main' : change.half);

/** The chain that a write put there. */
export const chainOf = ({ change, current }: Written) =>
  readPem(current.cert, '')?.chain ?? change.bundle.chain;

/** Whether Kong stores this chain; so long as it does not answer, the handshakes go on to decide. */
export async function isStored(
  target: Pick<Target, 'look'>,
  certificate: string,
  half: Half,
  chain: string,
): Promise<boolean> {
  try {
    const stored = await target.look(certificate);
    return stored?.[half]?.chain === chain;
  } catch {
    return true;
  }
}

/** Handshakes for everything that was written; the proofs come in its order, and none without a verifier. */
export async function prove(
  written: readonly Written[],
  verifier: Verifier | null,
  target: Pick<Target, 'look'>,
): Promise<Proof[]> {
  if (verifier === null || written.length === 0) return [];
  // A certificate that just gained its other half has twins from now on.
  const gained = new Set(
    written.filter(({ change }) => halfOf(change) === 'alt').map(({ change }) => changeId(change)),
  );
  return verifier.prove(
    written.map((one): Expectation => {
      const { change } = one;
      const chain = chainOf(one);
      const { keyType } = change.bundle.leaf;
      const hasTwin =
        gained.has(changeId(change)) || (change.kind === 'update' && change.certificate.alt !== null);
      return {
        snis: change.kind === 'create' ? change.snis : [...change.certificate.snis, ...change.addSnis],
        chains: shownAs(chain, change.bundle.chain),
        isStored: () => isStored(target, changeId(change), halfOf(change), chain),
        ...(hasTwin && keyType !== 'other' ? { keyType } : {}),
      };
    }),
  );
}

/**
 * How a handshake may show what was written: Node drops what stands twice, brings the rest into the order of the
 * issuers, and may lose the end of what was not in it. The ingress controller writes a Secret as it is found.
 */
function shownAs(written: Digest, ordered: Digest): Digest[] {
  const once = [...new Set(written.split('.'))].join('.');
  if (once.startsWith(ordered)) return [once];
  const parts = ordered.split('.');
  return [once, ...parts.slice(1).map((_, index) => parts.slice(0, index + 2).join('.'))];
}
