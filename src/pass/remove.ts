import { failureKindOf, type Outcome, type PassEvent, type StoredCertificate } from '../model';
import type { CertificateMemory } from './memory';
import type { PassContext, Step } from './step';

/** Removes certificates of ours that hold no name any more, or that kept one until its end. */
export class RemoveStep implements Step {
  /** Those that Kong keeps, since something refers to them. */
  readonly #kept = new Set<string>();
  /** Why a removal failed, as it was reported. */
  #said = '';

  constructor(private readonly memory: CertificateMemory) {}

  async run(pass: PassContext): Promise<void> {
    const { gateway, planner } = this.memory;
    const { work } = pass;
    if (pass.isAskedFor) this.#kept.clear();
    const obsolete = (work.plan?.obsolete ?? []).filter(({ id }) => !this.#kept.has(id));
    if (obsolete.length === 0 || work.hasFailed || !pass.mayWrite()) return;
    try {
      const kept = new Set(await gateway.remove(obsolete.map(({ id }) => id)));
      for (const id of kept) this.#kept.add(id);
      const removed = obsolete.filter(({ id }) => !kept.has(id));
      pass.report.events.push(
        ...removed.map((certificate) => about(certificate, { kind: 'removed', certificate: certificate.id })),
      );
      this.#said = '';
      if (removed.length > 0) work.plan = await planner.whole();
    } catch (error) {
      const { message } = error as Error;
      work.hasFailed = true;
      pass.leave('failed');
      if (message === this.#said) return;
      this.#said = message;
      const failure = failureKindOf(error);
      pass.report.events.push(
        ...obsolete
          .slice(0, 1)
          .map((certificate) =>
            about(certificate, { kind: 'failed', certificate: certificate.id, error: message, failure }),
          ),
      );
    }
  }
}

function about({ id, snis, main: { leaf } }: StoredCertificate, outcome: Outcome): PassEvent {
  const { fingerprint = null, notAfter = null } = leaf ?? {};
  return { bundle: id, location: `certificate ${id} in Kong`, fingerprint, notAfter, snis, outcome };
}
