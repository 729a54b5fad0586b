import { isSameReach, parseCertificate, readPem } from '../certificates';
import { Slices } from '../common/slices';
import {
  changeHalf,
  changeId,
  changeKey,
  refusal,
  type Change,
  type Proof,
  type SwapKind,
  type Written,
} from '../model';
import type { Replaced } from './former-pairs';
import type { CertificateMemory } from './memory';
import { attemptOf } from './plan';
import { chainOf, writtenOf } from './prove';
import type { PassContext, Step } from './step';

export interface SettleOptions {
  /** Whether to restore the former certificate where the new one is not served. */
  rollback: boolean;
}

/** Rollbacks that failed; until they succeed, Kong stores certificates that it does not serve. */
export class PendingRollbacks {
  /** By half of a certificate. */
  readonly #pending = new Map<string, { written: Written; proof: Proof }>();

  get isAny(): boolean {
    return this.#pending.size > 0;
  }

  add(written: Written, proof: Proof): void {
    this.#pending.set(changeKey(written.change), { written, proof });
  }

  take(): { written: Written; proof: Proof }[] {
    const all = [...this.#pending.values()];
    this.#pending.clear();
    return all;
  }
}

/** Reports the result of each change, and rolls back certificates that are not served. */
export class SettleStep implements Step {
  constructor(
    private readonly memory: CertificateMemory,
    private readonly pending: PendingRollbacks,
    private readonly options: SettleOptions,
  ) {}

  async run(pass: PassContext): Promise<void> {
    const { work } = pass;
    const { refused, findings } = this.memory;
    const undone: RollBack[] = [];
    const replaced: Replaced[] = [];
    const slices = new Slices();
    for (const [index, written] of writtenOf(work.results).entries()) {
      const proof = work.proofs[index] ?? null;
      const isUndone = proof?.verdict === 'wrong' && this.options.rollback;
      const worse = isUndone ? whyNotBack(written, pass.now()) : null;
      if (isUndone && worse === null) undone.push({ written, proof });
      this.conclude(written, proof, { pass, isUndone: isUndone && worse === null, worse, replaced });
      if (slices.due) await slices.pause();
    }
    this.memory.former.keep(replaced, pass.startedAt);
    if (!(await this.rollBack(undone))) work.hasFailed = true;
    for (const result of work.results) {
      const { change } = result;
      if (result.kind === 'refused') refused.add(change.bundle, result.refusal);
      if (result.kind === 'conflict' && this.mayTryAgain(change, pass)) continue;
      if (result.kind !== 'failed' && result.kind !== 'conflict') continue;
      work.hasFailed = true;
      findings.failed(change, result.error.message, result.kind === 'conflict' ? 'conflict' : result.failure);
    }
  }

  /** A change that met another writer's is planned again, a few times in a pass. */
  private mayTryAgain(change: Change, { work }: PassContext): boolean {
    const key = attemptOf(change);
    const conflicts = (work.attempted.get(key) ?? 0) + 1;
    work.attempted.set(key, conflicts);
    if (conflicts < MOST_CONFLICTS) work.again.add(key);
    return conflicts < MOST_CONFLICTS;
  }

  /** Runs before a pass's own writes: repeats pending rollbacks, where no other writer has written there meanwhile. */
  readonly retry: Step = {
    run: async (pass) => {
      if (!this.memory.isOpen || !pass.mayWrite()) return;
      await this.rollBack(this.pending.take(), true);
    },
  };

  private conclude(
    written: Written,
    proof: Proof | null,
    { pass, isUndone, worse, replaced }: Conclusion,
  ): void {
    const { change } = written;
    const { findings } = this.memory;
    const chain = chainOf(written);
    if (bringsIssuers(change)) this.memory.reader.noteNewIssuers();
    this.memory.untold.push({
      certificate: changeId(change),
      half: changeHalf(change),
      chain,
      proof,
      isKept: proof?.verdict !== 'overwritten' && !isUndone,
      at: pass.now(),
      durationMs: performance.now() - pass.work.decidedAt,
    });
    if (isUndone) return;
    if (proof?.verdict === 'overwritten') {
      pass.work.hasFailed = true;
      findings.failed(change, proof.detail, 'conflict');
      return;
    }
    const shown =
      proof === null || worse === null ? proof : { ...proof, detail: `${proof.detail}; ${worse}` };
    this.noteFormer({ written, chain }, replaced);
    const { stored } = this.memory.gateway.certificates;
    const former =
      change.kind === 'update' && change.split !== undefined ? stored.get(change.split.id) : null;
    findings.happened(
      change,
      { kind: 'swapped', certificate: changeId(change), how: howOf(change), proof: shown },
      {
        names: stored.get(changeId(change))?.snis,
        kept: former?.snis ?? [],
        urgent: pass.work.urgent.get(change),
      },
    );
  }

  /** A pair that was reverted is forgotten: a second revert must not bring back what was just removed. */
  private noteFormer(one: Replaced, replaced: Replaced[]): void {
    const { change } = one.written;
    if (change.kind === 'create') return;
    const { former } = this.memory;
    if (change.reverts === true) former.forget({ certificate: change.certificate.id, half: change.half });
    else replaced.push(one);
  }

  /**
   * Restores the former state, all in one write, and refuses the bundles.
   * @returns whether that succeeded
   */
  private async rollBack(all: readonly RollBack[], isRepeated = false): Promise<boolean> {
    if (all.length === 0) return true;
    const proofs = new Map(all.map(({ written, proof }) => [written, proof]));
    let isDone = true;
    for (const result of await this.memory.gateway.restore(all.map(({ written }) => written))) {
      const { write } = result;
      const proof = proofs.get(write);
      if (proof === undefined || (result.kind === 'overtaken' && isRepeated)) continue;
      const trouble = result.kind === 'failed' ? result.error.message : null;
      if (trouble !== null) {
        isDone = false;
        this.pending.add(write, proof);
      }
      this.concludeRollBack(write, proof, trouble, isRepeated);
    }
    return isDone;
  }

  private concludeRollBack(
    { change }: Written,
    proof: Proof,
    trouble: string | null,
    isRepeated: boolean,
  ): void {
    const id = changeId(change);
    const ending = trouble === null ? 'is back' : `could not be restored: ${trouble}`;
    this.memory.refused.add(
      change.bundle,
      refusal(
        'not_served',
        `${change.bundle.location} was written to certificate ${id} and not served (${proof.detail}); ` +
          `the previous one ${ending}; it is not tried again until it changes or trigger does`,
      ),
    );
    if (isRepeated && trouble !== null) {
      this.memory.findings.failed(change, `the previous one ${ending}`, 'away');
    } else {
      const restored = trouble === null;
      this.memory.findings.happened(change, { kind: 'rolled_back', certificate: id, proof, restored });
    }
  }
}

function howOf(change: Change): SwapKind {
  if (change.handsOver === true) return 'handed_over';
  if (change.kind === 'create') return 'created';
  if (change.reverts === true) return 'reverted';
  return change.isOfController ? 'taken_over' : 'swapped';
}

/** Whether Kong gets a chain that leads to something else than the one before: others may be completed with it. */
function bringsIssuers(change: Change): boolean {
  if (change.bundle.reach.certificates.length === 0) return false;
  const before = change.kind === 'update' ? change.certificate[change.half] : null;
  return before == null || !isSameReach(before.reach, change.bundle.reach);
}

interface Conclusion {
  pass: PassContext;
  isUndone: boolean;
  /** Why the former certificate is not restored; null: it is, or need not be. */
  worse: string | null;
  /** Receives the write if its former pair is kept, so that an operator can restore it. */
  replaced: Replaced[];
}

interface RollBack {
  written: Written;
  proof: Proof;
}

/** After so many conflicts in one pass a bundle waits for the next pass. */
const MOST_CONFLICTS = 3;

const EXPIRED = 'the previous one has expired, so this one stays';

/** Why the former certificate is not restored, in a sentence: nothing is rolled back to something worse. */
function whyNotBack({ change, before }: Written, now: number): string | null {
  if (change.moveSnis?.some(({ ended }) => ended !== undefined) === true) return EXPIRED;
  const pair = before?.[changeHalf(change)];
  const block = pair == null ? undefined : readPem(pair.cert, '')?.certificates[0];
  if (block === undefined) return null;
  try {
    const { notBefore, notAfter } = parseCertificate(block.der).info;
    if (notAfter <= now) return EXPIRED;
    return notBefore > now ? 'the previous one is not valid yet, so this one stays' : null;
  } catch {
    return null;
  }
}
