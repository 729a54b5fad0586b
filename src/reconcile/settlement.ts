import {
  changeId,
  refusal,
  type Change,
  type Gateway,
  type Outcome,
  type Proof,
  type Verifier,
  type Witness,
  type WriteResult,
  type Written,
} from '../model';
import type { Bars } from './bars';
import type { Findings } from './findings';
import { chainOf, halfOf, prove } from './proof';

export interface SettlementOptions {
  gateway: Gateway;
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
    const { gateway, verifier } = this.options;
    const written = results.filter((result) => result.kind === 'written');
    const proofs = await prove(written, verifier, gateway.certificates);
    let failed = false;
    const undone: { written: Written; proof: Proof }[] = [];
    for (const [index, one] of written.entries()) {
      const proof = proofs[index] ?? null;
      if (this.conclude(one, proof, decidedAt)) continue;
      if (proof?.verdict === 'wrong') undone.push({ written: one, proof });
      else failed = true;
    }
    if (!(await this.undo(undone))) failed = true;
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
    const owed = [...this.#owed.values()];
    this.#owed.clear();
    await this.undo(owed, true);
  }

  /** @returns whether that was all: false where it failed, or is to be undone */
  private conclude(written: Written, proof: Proof | null, decidedAt: number): boolean {
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
    if (isUndone) return false;
    const isOverwritten = proof?.verdict === 'overwritten';
    this.findings.happened(change, isOverwritten ? failure(change, proof.detail) : swapped(change, proof));
    return !isOverwritten;
  }

  /** Puts what was there before back and bars the bundles. @returns whether that worked */
  private async undo(
    list: readonly { written: Written; proof: Proof }[],
    isRepeated = false,
  ): Promise<boolean> {
    if (list.length === 0) return true;
    const proofs = new Map(list.map(({ written, proof }) => [written, proof]));
    let isDone = true;
    for (const result of await this.options.gateway.restore(list.map(({ written }) => written))) {
      const { write } = result;
      const { change } = write;
      const proof = proofs.get(write);
      if (proof === undefined) continue;
      const id = changeId(change);
      const trouble = result.kind === 'failed' ? result.error.message : null;
      if (trouble !== null) {
        isDone = false;
        this.#owed.set(`${id} ${halfOf(change)}`, { written: write, proof });
      }
      if (result.kind === 'overtaken' && isRepeated) continue;
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
    }
    return isDone;
  }
}

export function failure(change: Change, error: string): Outcome {
  return { kind: 'failed', certificate: changeId(change), error };
}

function swapped(change: Change, proof: Proof | null): Outcome {
  return { kind: 'swapped', certificate: changeId(change), created: change.kind === 'create', proof };
}
