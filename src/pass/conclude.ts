import type { Log, Plan, StoredCertificate } from '../model';
import type { CertificateMemory } from './memory';
import { NotesLog } from './notes';
import type { PendingRollbacks } from './settle';
import type { PassContext, Step } from './step';

/** After so long it is looked whether another gateway has written what is not ours to write. */
const HELD_MS = 5_000;

/** Keeps what was planned last, and reports what was found and what stands in the way. */
export class ConcludeStep implements Step {
  readonly #log = new NotesLog();

  constructor(
    private readonly memory: CertificateMemory,
    private readonly pending: PendingRollbacks,
  ) {}

  async run(pass: PassContext): Promise<void> {
    const { memory } = this;
    if (pass.work.plan !== null) await this.conclude(pass.work.plan, pass);
    const { findings, plan } = memory;
    const { report } = pass;
    report.bundles += memory.book.total - (plan?.aside.length ?? 0);
    report.inSync += plan?.inSync.size ?? 0;
    report.refused += plan?.refused.size ?? 0;
    report.unused += plan?.unused.length ?? 0;
    report.failures.push(...findings.failures, ...(this.pending.isAny ? ['away' as const] : []));
    report.bundleNotes = memory.notes;
    report.strays = strayFiles(memory);
    const { events, failed } = findings.take();
    report.events.push(...events);
    if (failed || this.pending.isAny) pass.leave('failed');
    else if (memory.isSettling) pass.leave('settling');
    pass.dueAt(memory.due);
    pass.dueAt(memory.book.heldUntil);
  }

  log(log: Log): void {
    this.#log.write(this.memory.notes, strayFiles(this.memory), log);
  }

  private async conclude(planned: Plan, pass: PassContext): Promise<void> {
    const { memory } = this;
    const { planner, findings, takeover } = memory;
    let plan = planned;
    if (pass.observe) {
      plan = await planner.announceable(plan);
      findings.wouldChange(plan.changes);
    }
    // There is something to write, and another gateway is the one to do it.
    const isHeld = !pass.observe && plan.changes.length > 0 && !pass.mayWrite();
    if (isHeld) plan = await planner.announceable(plan);
    memory.due = Math.min(
      plan.dueAt,
      pass.work.waitsUntil,
      isHeld ? pass.now() + HELD_MS : Number.POSITIVE_INFINITY,
    );
    takeover.keep(plan.changes);
    findings.keepFailures(plan.changes);
    this.noteHolders(plan);
    memory.plan = plan;
    memory.plannedAt = pass.startedAt;
    memory.show(plan);
    findings.refusals(plan.refused, memory.book, (id) => this.inPlaceOf(id, plan));
    // What signatures could not tell now (Kong or a source did not answer) is asked again.
    const isAnyOpen = !pass.observe && plan.questions.length > 0;
    if (isAnyOpen) pass.leave('failed');
    memory.isOpen = pass.work.hasFailed || this.pending.isAny || memory.isSettling || isHeld || isAnyOpen;
  }

  /** Certificates that a bundle was meant for, or that had it while it was understood. */
  private inPlaceOf(id: string, { meant }: Plan): StoredCertificate[] {
    const { holders, gateway } = this.memory;
    const ids = meant.get(id)?.map(({ certificate }) => certificate) ?? holders.get(id) ?? [];
    return ids.flatMap((one) => gateway.certificates.stored.get(one) ?? []);
  }

  /** A bundle that is understood no more still belongs to the certificates that had it. */
  private noteHolders({ inSync }: Plan): void {
    const { book, plan, holders } = this.memory;
    const broken = new Set<string>();
    for (const [id] of book.refused()) {
      broken.add(id);
      const had = plan?.inSync.get(id);
      if (had !== undefined && !inSync.has(id)) holders.set(id, had);
    }
    for (const id of holders.keys()) if (!broken.has(id)) holders.delete(id);
  }
}

const strayFiles = ({ book }: CertificateMemory) => book.sourceStates.flatMap(({ strays = [] }) => strays);
