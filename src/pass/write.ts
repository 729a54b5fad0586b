import type { CertificateMemory } from './memory';
import type { PassContext, ProgressListener, Step } from './step';

/** Writes the batch. Each bundle is read anew right before its write and goes through the whole gate. */
export class WriteStep implements Step {
  constructor(
    private readonly memory: CertificateMemory,
    private readonly progress?: ProgressListener,
  ) {}

  async run({ work }: PassContext): Promise<void> {
    const { target, planner } = this.memory;
    work.results = await target.write(work.batch, (change) => {
      this.progress?.written();
      return planner.prepare(change);
    });
  }
}
