import type { Knowledge, PassCause, PassReport } from '../model';
import { Reconciler, type ReconcilerOptions } from './reconciler';
import type { TrustKeeper } from './trust';

/** Passes over the certificates that look after what Kong trusts, too. */
export class TrustingReconciler extends Reconciler {
  constructor(
    options: ReconcilerOptions,
    private readonly trust: TrustKeeper,
  ) {
    super({
      ...options,
      along: { take: () => trust.take(), done: (results) => trust.done(results) },
    });
  }

  override get knowledge(): Knowledge {
    const known = super.knowledge;
    return { ...known, sources: [...known.sources, ...this.trust.sourceStates] };
  }

  override async pass(cause: PassCause, touched?: ReadonlySet<string>): Promise<PassReport> {
    await this.trust.begin(cause, touched);
    const report = await super.pass(cause, touched);
    return this.trust.finish(report, touched !== undefined);
  }
}
