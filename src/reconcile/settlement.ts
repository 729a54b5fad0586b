import {
  changeId,
  refusal,
  type Change,
  type Outcome,
  type Proof,
  type Target,
  type Verifier,
  type Witness,
  type WriteResult,
} from '../model';
import type { Bars } from './bars';
import { BundleStore } from './bundle-store';
import type { Findings } from './findings';
import { chainOf, halfOf, prove, type Written } from './proof';

export interface SettlementOptions {
  target: Target;
  /** Null: what is written is not proven. */
  verifier: Verifier | null;
  /** Put the previous certificate back where the new one is not served. */
  rollback: boolean;
  witness?: Witness;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** What comes after a write: proves what was written, undoes what is not served, and says how each change ended. */
export class Settlement {
  readonly #store = new BundleStore();

  constructor(
    private readonly bars: Bars,
    private readonly findings: Findings,
    private readonly options: SettlementOptions,
  ) {}

  /**
   * @param decidedAt when the write was decided on (`performance.now()`)
   * @returns whether something failed
   */
  async settle(results: readonly WriteResult[], decidedAt: number): Promise<boolean> {
    const { target, verifier } = this.options;
    const written = results.filter((result) => result.kind === 'written');
    for (const { change, current, previous } of written) {
      this.#store.remember(changeId(change), halfOf(change), { current, previous });
    }
    const proofs = await prove(written, verifier, target);
    let failed = false;
    for (const [index, one] of written.entries()) {
      if (!(await this.conclude(one, proofs[index] ?? null, decidedAt))) failed = true;
    }
    for (const result of results) {
      if (result.kind === 'refused') this.bars.add(result.change.bundle, result.refusal);
      if (result.kind !== 'failed') continue;
      failed = true;
      this.findings.happened(result.change, failure(result.change, result.error.message));
    }
    return failed;
  }

  /** @returns false where it failed */
  private async conclude(written: Written, proof: Proof | null, decidedAt: number): Promise<boolean> {
    const { change } = written;
    const isUndone = proof?.verdict === 'wrong' && this.options.rollback;
    this.options.witness?.written({
      certificate: changeId(change),
      half: halfOf(change),
      chain: chainOf(written),
      proof,
      isKept: proof?.verdict !== 'overwritten' && !isUndone,
      at: this.options.now(),
      durationMs: performance.now() - decidedAt,
    });
    if (isUndone) return this.undo(change, proof);
    const isOverwritten = proof?.verdict === 'overwritten';
    this.findings.happened(change, isOverwritten ? failure(change, proof.detail) : swapped(change, proof));
    return !isOverwritten;
  }

  /** Puts the previous certificate back and bars the bundle. @returns whether that worked */
  private async undo(change: Change, proof: Proof): Promise<boolean> {
    const id = changeId(change);
    const versions = this.#store.versions(id, halfOf(change));
    let restored = false;
    let trouble = '';
    try {
      if (versions !== undefined) await this.options.target.restore(change, versions.previous);
      restored = versions !== undefined;
    } catch (error) {
      trouble = `; putting it back failed: ${(error as Error).message}`;
    }
    this.#store.forget(id, halfOf(change));
    this.bars.add(
      change.bundle,
      refusal(
        'not_served',
        `${change.bundle.location} was written to certificate ${id} and not served (${proof.detail}); ` +
          `the previous one ${restored ? 'is back' : 'could not be put back'}${trouble}; it is not tried again until it changes or trigger does`,
      ),
    );
    this.findings.happened(change, { kind: 'rolled_back', certificate: id, proof, restored });
    return restored;
  }
}

function failure(change: Change, error: string): Outcome {
  return { kind: 'failed', certificate: changeId(change), error };
}

function swapped(change: Change, proof: Proof | null): Outcome {
  return { kind: 'swapped', certificate: changeId(change), created: change.kind === 'create', proof };
}
