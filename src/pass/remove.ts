import { failureKindOf, type Outcome, type PassEvent, type StoredCertificate } from '../model';
import type { CertificateMemory } from './memory';
import type { PendingRollbacks } from './settle';
import type { PassContext, Step } from './step';

/** Removes certificates of ours that hold no name any more, or that kept one until its end. */
export class RemoveStep implements Step {
  /** Certificates that Kong keeps because something refers to them. */
  readonly #kept = new Set<string>();
  /** Reason of a failed removal, as reported. */
  #said = '';

  constructor(
    private readonly memory: CertificateMemory,
    private readonly pending: Pick<PendingRollbacks, 'isAny'>,
  ) {}

  async run(pass: PassContext): Promise<void> {
    const { gateway, planner, findings } = this.memory;
    const { work } = pass;
    if (pass.isAskedFor) this.#kept.clear();
    const obsolete = (work.plan?.obsolete ?? []).filter(({ id }) => !this.#kept.has(id));
    // A pending rollback may return names to certificates that hold none now.
    if (obsolete.length === 0 || work.hasFailed || this.pending.isAny || !pass.mayWrite()) return;
    try {
      const kept = new Set(await gateway.remove(obsolete));
      for (const id of kept) this.#kept.add(id);
      const removed = obsolete.filter(({ id }) => !kept.has(id));
      findings.tell(
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
      findings.tell(
        ...obsolete
          .slice(0, 1)
          .map((certificate) =>
            about(certificate, { kind: 'failed', certificate: certificate.id, error: message, failure }),
          ),
      );
    }
  }
}

/** A certificate without a name is described by the names of its leaf. */
function about({ id, snis: held, main: { leaf } }: StoredCertificate, outcome: Outcome): PassEvent {
  const { fingerprint = null, notAfter = null } = leaf ?? {};
  const snis = held.length > 0 ? held : (leaf?.names ?? []);
  return { bundle: id, location: `certificate ${id} in Kong`, fingerprint, notAfter, snis, outcome };
}
