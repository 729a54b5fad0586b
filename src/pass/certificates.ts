import type { Verifier } from '../model';
import { ConcludeStep } from './conclude';
import { CertificateMemory, type MemoryOptions } from './memory';
import { PlanStep } from './plan';
import { ProveStep } from './prove';
import { ScanStep } from './scan';
import { PendingRollbacks, SettleStep, type SettleOptions } from './settle';
import type { ProgressListener } from './step';
import { WriteStep } from './write';

export interface CertificateOptions extends MemoryOptions, SettleOptions {
  /** Null: what is written is not proven. */
  verifier: Verifier | null;
  progress?: ProgressListener;
}

/** The steps for certificates, with what they keep between passes. */
export function certificateSteps(options: CertificateOptions) {
  const { target, verifier, progress } = options;
  const memory = new CertificateMemory(options);
  const pending = new PendingRollbacks();
  const settle = new SettleStep(memory, pending, options);
  return {
    memory,
    scan: new ScanStep(memory, progress),
    retryRollbacks: settle.retry,
    plan: new PlanStep(memory),
    write: new WriteStep(memory, progress),
    prove: new ProveStep(target, verifier, progress),
    settle,
    conclude: new ConcludeStep(memory, pending),
  };
}
