import { changeId, type CertificateStore, type Change } from '../model';
import type { CertificateMemory } from './memory';
import type { PassContext, ProgressListener, Step } from './step';

/** Most changes of others that are searched for in Kong in one pass. */
const MOST_LOOKED_FOR = 100;

/** Asks the sources and Kong what changed, and decides whether to plan. */
export class ScanStep implements Step {
  constructor(
    private readonly memory: CertificateMemory,
    private readonly progress: ProgressListener | undefined,
  ) {}

  async run(pass: PassContext): Promise<void> {
    const { memory } = this;
    const { certificates } = memory.gateway;
    const { touched, work } = pass;
    if (pass.isAskedFor) {
      memory.refused.clear();
      memory.isOpen = true;
    }
    // After a watch's report Kong's known state is trusted: every write reads the certificate again anyway.
    const trusts = touched !== undefined && certificates.isLoaded;
    const refreshing = trusts ? Promise.resolve(false) : certificates.refresh().catch(asError);
    const scan = await memory.reader.scan(touched, {
      stored: refreshing,
      whole: pass.isAskedFor,
      progress: this.progress,
    });
    const kongChanged = await refreshing;
    work.isCalm = touched !== undefined && !memory.isOpen;
    // These changes will not be reported again: remember them before anything can fail.
    if (scan.changed || memory.isOutdated) memory.isOpen = true;
    memory.isOutdated = false;
    if (kongChanged instanceof Error) throw kongChanged;
    if (kongChanged) memory.refused.kongChanged();
    // A plan from the future (the clock was set back) is made again.
    const isDue = pass.startedAt >= memory.due || pass.startedAt < memory.plannedAt;
    if (kongChanged || isDue) memory.isOpen = true;
    work.scan = scan;
    pass.report.read += scan.read;
    const found = memory.findings.newSourceErrors(scan.errors, touched !== undefined);
    pass.report.sourceErrors.push(...found.sourceErrors);
    pass.report.mendedSources.push(...found.mendedSources);
    const isFollower = memory.isOpen && !pass.observe && !pass.mayWrite();
    const looked = isFollower ? (memory.plan?.changes ?? []) : memory.left;
    if (await lookFor(looked, certificates)) memory.isOpen = true;
  }
}

/**
 * Checks in Kong for what another gateway or the ingress controller was to write: the poll may reach it much later.
 * @returns whether something was written there
 */
async function lookFor(
  changes: readonly Change[],
  certificates: Pick<CertificateStore, 'readOne' | 'stored'>,
): Promise<boolean> {
  let isChanged = false;
  for (const change of changes.slice(0, MOST_LOOKED_FOR)) {
    const before = certificates.stored.get(changeId(change))?.main.content;
    const now = await certificates.readOne(changeId(change));
    if (now?.main.content !== before) isChanged = true;
  }
  return isChanged;
}

const asError = (error: unknown) => error as Error;
