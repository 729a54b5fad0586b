import {
  changeId,
  changeKey,
  namesAfter,
  type Change,
  type Hold,
  type Plan,
  type WaitingChange,
} from '../model';
import type { CertificateMemory } from './memory';
import type { PassContext, Step } from './step';

/** Plans, and chooses the changes to write now: none twice in a pass, and the ingress controller gets its time. */
export class PlanStep implements Step {
  constructor(private readonly memory: CertificateMemory) {}

  async run(pass: PassContext): Promise<void> {
    const { memory } = this;
    const { work } = pass;
    work.batch = [];
    if (!memory.isOpen) return;
    const isFirst = work.plan === null;
    if (isFirst && (await this.few(pass))) return;
    work.plan = await memory.planner.whole();
    if (!isFirst) memory.show(work.plan);
    work.batch = await this.choose(work.plan, pass);
  }

  /**
   * Plans simple renewals alone, where nothing else is left from before.
   * @param besides certificates that are not to be written now
   * @returns whether there is anything to write
   */
  async few(pass: PassContext, besides: ReadonlySet<string> = NONE): Promise<boolean> {
    const { planner, plan } = this.memory;
    const { work } = pass;
    const few = work.isCalm && work.scan !== null ? planner.few(work.scan, plan) : null;
    if (few === null || few.changes.some((change) => besides.has(changeId(change)))) return false;
    work.plan = few;
    work.batch = await this.choose(few, pass);
    return work.batch.length > 0;
  }

  /** Adds bundles that must not be written to the plan's refusals. */
  private async choose(plan: Plan, pass: PassContext): Promise<Change[]> {
    const { takeover, findings, gateway } = this.memory;
    const { work } = pass;
    work.waitsUntil = Number.POSITIVE_INFINITY;
    pass.report.waiting = [];
    work.decidedAt = performance.now();
    const limit = pass.mayWrite() ? gateway.batchSize : 0;
    const batch: Change[] = [];
    this.memory.held.clear();
    const left: Change[] = [];
    for (const change of plan.changes) {
      const key = attemptOf(change);
      if (work.attempted.has(key) && !work.again.has(key)) continue;
      if (batch.length >= limit) break;
      const permission = this.memory.holds.permits(change, pass.now());
      if (permission.kind === 'held') {
        const { hold } = permission;
        this.memory.held.set(changeKey(change), hold);
        const until = hold.until ?? Number.POSITIVE_INFINITY;
        work.waitsUntil = Math.min(work.waitsUntil, until);
        pass.report.waiting.push(waiting(change, until, hold));
        continue;
      }
      const decision = await takeover.decide(change, pass.now(), (detail) =>
        findings.happened(change, { kind: 'nudged', certificate: changeId(change), detail }),
      );
      if (decision.kind === 'refuse') plan.refused.set(change.bundle.id, decision.why);
      else if (decision.kind === 'wait') {
        work.waitsUntil = Math.min(work.waitsUntil, decision.at);
        pass.report.waiting.push(waiting(change, decision.at));
        left.push(change);
      } else {
        work.attempted.set(key, work.attempted.get(key) ?? 0);
        work.again.delete(key);
        batch.push(change);
        if (permission.urgent !== null) work.urgent.set(change, permission.urgent);
      }
    }
    this.memory.left = left;
    return batch;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Identifies an attempt to write a bundle to a certificate. */
export const attemptOf = (change: Change) =>
  `${changeId(change)} ${change.bundle.id} ${change.bundle.content}`;

export function waiting(change: Change, until: number, hold?: Hold): WaitingChange {
  const { location, leaf } = change.bundle;
  const { fingerprint, notAfter } = leaf;
  return {
    certificate: changeId(change),
    location,
    snis: namesAfter(change),
    fingerprint,
    notAfter,
    until,
    ...(hold === undefined ? {} : { hold }),
  };
}
