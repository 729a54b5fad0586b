import { changeId, refusal, type Change, type Outcome, type Proof, type WriteListener } from '../model';
import type { CertificateMemory } from './memory';
import { chainOf, halfOf, isStored, writtenOf, type Written } from './prove';
import type { PassContext, Step } from './step';

export interface SettleOptions {
  /** Restore the previous certificate where the new one is not served. */
  rollback: boolean;
  listener?: WriteListener;
}

/** Rollbacks that Kong did not let through; until they are done, Kong has what it does not serve. */
export class PendingRollbacks {
  /** By half of a certificate. */
  readonly #pending = new Map<string, { written: Written; proof: Proof }>();

  get isAny(): boolean {
    return this.#pending.size > 0;
  }

  add(written: Written, proof: Proof): void {
    this.#pending.set(`${changeId(written.change)} ${halfOf(written.change)}`, { written, proof });
  }

  take(): { written: Written; proof: Proof }[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    return all;
  }
}

/** Says how each change ended, and rolls back what is not served. */
export class SettleStep implements Step {
  constructor(
    private readonly memory: CertificateMemory,
    private readonly pending: PendingRollbacks,
    private readonly options: SettleOptions,
  ) {}

  async run(pass: PassContext): Promise<void> {
    const { work } = pass;
    const { refused, findings } = this.memory;
    for (const [index, one] of writtenOf(work.results).entries()) {
      if (!(await this.conclude(one, work.proofs[index] ?? null, pass))) work.hasFailed = true;
    }
    for (const result of work.results) {
      if (result.kind === 'refused') refused.add(result.change.bundle, result.refusal);
      if (result.kind !== 'failed') continue;
      work.hasFailed = true;
      findings.happened(result.change, failure(result.change, result.error.message));
    }
  }

  /** Goes before a pass's own writes: tries pending rollbacks again, where nobody else has written there meanwhile. */
  readonly retry: Step = {
    run: async (pass) => {
      if (!this.memory.isOpen || !pass.mayWrite()) return;
      for (const { written, proof } of this.pending.take()) {
        const { change } = written;
        if (await isStored(this.memory.target, changeId(change), halfOf(change), chainOf(written)))
          await this.rollBack(written, proof, true);
      }
    },
  };

  /** @returns false where it failed */
  private async conclude(written: Written, proof: Proof | null, pass: PassContext): Promise<boolean> {
    const { change } = written;
    const isUndone = proof?.verdict === 'wrong' && this.options.rollback;
    this.options.listener?.written({
      certificate: changeId(change),
      half: halfOf(change),
      chain: chainOf(written),
      proof,
      isKept: proof?.verdict !== 'overwritten' && !isUndone,
      at: pass.now(),
      durationMs: performance.now() - pass.work.decidedAt,
    });
    if (isUndone) return this.rollBack(written, proof);
    const isOverwritten = proof?.verdict === 'overwritten';
    this.memory.findings.happened(
      change,
      isOverwritten ? failure(change, proof.detail) : swapped(change, proof),
    );
    return !isOverwritten;
  }

  /** Restores the previous certificate and refuses the bundle. @returns whether that worked */
  private async rollBack(written: Written, proof: Proof, isRepeated = false): Promise<boolean> {
    const { change, previous } = written;
    const { target, refused, findings } = this.memory;
    const id = changeId(change);
    let trouble: string | null = null;
    try {
      await target.restore(change, previous);
    } catch (error) {
      trouble = (error as Error).message;
      this.pending.add(written, proof);
    }
    const ending = trouble === null ? 'is back' : `could not be put back: ${trouble}`;
    refused.add(
      change.bundle,
      refusal(
        'not_served',
        `${change.bundle.location} was written to certificate ${id} and not served (${proof.detail}); ` +
          `the previous one ${ending}; it is not tried again until it changes or trigger does`,
      ),
    );
    findings.happened(
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
