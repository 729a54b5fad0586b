import { changeKey, type Change, type Log, type Plan, type StoredCertificate } from '../model';
import { ExpiryScans } from './expiry-scans';
import { SETTLE_MS } from './findings';
import type { CertificateMemory } from './memory';
import { NotesLog } from './notes';
import type { PendingRollbacks } from './settle';
import { waiting } from './plan';
import type { PassContext, ProgressListener, Step } from './step';

/** After this time Kong is checked for what another gateway, or the controller, was to write, and a partial plan goes on. */
const HELD_MS = 5_000;

/** Keeps the last plan, and reports findings and obstacles. */
export class ConcludeStep implements Step {
  readonly #log = new NotesLog();
  readonly #expiryScans = new ExpiryScans();

  constructor(
    private readonly memory: CertificateMemory,
    private readonly pending: PendingRollbacks,
    private readonly progress: ProgressListener | undefined,
  ) {}

  async run(pass: PassContext): Promise<void> {
    const { memory } = this;
    memory.reader.openedAhead.clear();
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
    if (memory.left.length > 0) pass.dueAt(pass.now() + HELD_MS);
    if (memory.reader.isPostponing) pass.dueAt(pass.now() + SETTLE_MS);
    pass.dueAt(memory.due);
    if (plan !== null) pass.dueAt(this.nextScan(plan, pass.now()));
    pass.dueAt(memory.reader.heldUntil);
  }

  log(log: Log): void {
    this.#log.write(this.memory.notes, strayFiles(this.memory), log);
  }

  private nextScan(plan: Plan, now: number): number {
    const { book, gateway } = this.memory;
    const known = { bundle: (id: string) => book.get(id), certificates: gateway.certificates.stored };
    return this.#expiryScans.nextScan(plan, known, now);
  }

  private async conclude(planned: Plan, pass: PassContext): Promise<void> {
    const { memory } = this;
    const { planner, findings, takeover } = memory;
    let plan = planned;
    if (pass.observe) {
      plan = await planner.announceable(plan, this.progress);
      findings.wouldChange(plan.changes.filter((change) => this.isFree(change, pass)));
      pass.report.addedChars = planner.addedBy(plan);
    }
    // There are changes, which another gateway has to write.
    const isHeld = !pass.observe && plan.changes.length > 0 && !pass.mayWrite();
    // A change that is held back goes through the gate, too: a broken renewal is reported though its name is pinned.
    if (isHeld || memory.held.size > 0) plan = await planner.announceable(plan);
    memory.due = Math.min(
      plan.dueAt,
      pass.work.waitsUntil,
      isHeld || planner.isPartial ? pass.now() + HELD_MS : Number.POSITIVE_INFINITY,
      this.wait(plan, pass),
    );
    takeover.keep(plan.changes);
    findings.keepFailures(plan.changes);
    this.noteHolders(plan);
    memory.plan = plan;
    memory.plannedAt = pass.startedAt;
    memory.show(plan);
    findings.refusals(plan.refused, memory.book, (id) => this.inPlaceOf(id, plan));
    // Questions that could not be answered now (Kong or a source did not answer) are asked again.
    const isAnyOpen = !pass.observe && plan.questions.length > 0;
    if (isAnyOpen) pass.leave('failed');
    memory.isOpen = pass.work.hasFailed || this.pending.isAny || memory.isSettling || isHeld || isAnyOpen;
  }

  /**
   * Beside an ingress controller refusals get its time; a pass that somebody asked for reports them at once.
   * @returns when the time of the first one is over
   */
  private wait(plan: Plan, pass: PassContext): number {
    if (!plan.isBesideController) return Number.POSITIVE_INFINITY;
    this.noteDropped(plan);
    if (pass.cause === 'command') return Number.POSITIVE_INFINITY;
    return this.memory.refusalGrace.apply(plan, (id) => this.memory.book.isOfCluster(id), pass.now());
  }

  /**
   * A Secret that the controller finds broken is removed from Kong: then no certificate there needs it, and that is
   * trouble.
   */
  private noteDropped(plan: Plan): void {
    const { book, planner, gateway, refused } = this.memory;
    const idle = [...plan.unused, ...plan.refused.keys()].filter((id) => book.isOfCluster(id));
    const names = planner.homes.namesAt(new Set(idle));
    if (names.size === 0) return;
    const held = new Set([...gateway.certificates.stored.values()].flatMap(({ snis }) => snis));
    const standing = refused.standing();
    for (const [id, all] of names) {
      const why = plan.refused.get(id) ?? standing.get(id);
      const lost = all.filter((name) => !held.has(name));
      if (why === undefined || lost.length === 0) continue;
      plan.refused.set(id, why);
      plan.dropped.set(id, lost);
      // It is asked for already, and broken.
      plan.notes.delete(id);
    }
    plan.unused = plan.unused.filter((id) => !plan.dropped.has(id));
  }

  /** A held change is not announced. */
  private isFree(change: Change, pass: PassContext): boolean {
    const permission = this.memory.holds.permits(change, pass.now());
    if (permission.kind === 'free') return true;
    const { hold } = permission;
    this.memory.held.set(changeKey(change), hold);
    pass.report.waiting.push(waiting(change, hold.until ?? Number.POSITIVE_INFINITY, hold));
    return false;
  }

  /** Certificates that a bundle was meant for, or that had it before it became unreadable. */
  private inPlaceOf(id: string, { meant }: Plan): StoredCertificate[] {
    const { holders, gateway } = this.memory;
    const ids = meant.get(id)?.map(({ certificate }) => certificate) ?? holders.get(id) ?? [];
    return ids.flatMap((one) => gateway.certificates.stored.get(one) ?? []);
  }

  /** A bundle that became unreadable still belongs to the certificates that had it. */
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

const strayFiles = ({ reader }: CertificateMemory) =>
  reader.sources.list().flatMap(({ strays = [] }) => strays);
