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
import type { Findings } from './findings';
import { chainOf, halfOf, isStored, prove, type Written } from './proof';

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
  /** What could not be put back, by half of a certificate; until it is, Kong has what it does not serve. */
  readonly #owed = new Map<string, { written: Written; proof: Proof }>();

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

  /** Something could not be put back so far. */
  get isOwing(): boolean {
    return this.#owed.size > 0;
  }

  /** Tries once more to put back what could not be, where nobody else has written it meanwhile. */
  async putBack(): Promise<void> {
    for (const [key, { written, proof }] of [...this.#owed]) {
      const { change } = written;
      this.#owed.delete(key);
      if (await isStored(this.options.target, changeId(change), halfOf(change), chainOf(written)))
        await this.undo(written, proof, true);
    }
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
    if (isUndone) return this.undo(written, proof);
    const isOverwritten = proof?.verdict === 'overwritten';
    this.findings.happened(change, isOverwritten ? failure(change, proof.detail) : swapped(change, proof));
    return !isOverwritten;
  }

  /** Puts the previous certificate back and bars the bundle. @returns whether that worked */
  private async undo(written: Written, proof: Proof, isRepeated = false): Promise<boolean> {
    const { change, previous } = written;
    const id = changeId(change);
    let trouble: string | null = null;
    try {
      await this.options.target.restore(change, previous);
    } catch (error) {
      trouble = (error as Error).message;
      this.#owed.set(`${id} ${halfOf(change)}`, { written, proof });
    }
    const ending = trouble === null ? 'is back' : `could not be put back: ${trouble}`;
    this.bars.add(
      change.bundle,
      refusal(
        'not_served',
        `${change.bundle.location} was written to certificate ${id} and not served (${proof.detail}); ` +
          `the previous one ${ending}; it is not tried again until it changes or trigger does`,
      ),
    );
    this.findings.happened(
      change,
      isRepeated && trouble !== null
        ? failure(change, `the previous one ${ending}`)
        : { kind: 'rolled_back', certificate: id, proof, restored: trouble === null },
    );
    return trouble === null;
  }
}

function failure(change: Change, error: string): Outcome {
  return { kind: 'failed', certificate: changeId(change), error };
}

function swapped(change: Change, proof: Proof | null): Outcome {
  return { kind: 'swapped', certificate: changeId(change), created: change.kind === 'create', proof };
}
