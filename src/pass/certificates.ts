import { CachesStep } from './caches';
import { ConcludeStep } from './conclude';
import { CertificateMemory, type MemoryOptions } from './memory';
import { PlanStep } from './plan';
import { ReadAhead } from './read-ahead';
import { RemoveStep } from './remove';
import { RevertStep } from './revert';
import { RoundsStep } from './rounds';
import { ProveStep } from './prove';
import { ScanStep } from './scan';
import { PendingRollbacks, SettleStep, type SettleOptions } from './settle';
import { WriteStep, type WriteOptions } from './write';

export interface CertificateOptions extends MemoryOptions, SettleOptions, WriteOptions {
  /** How long listeners may lag behind a write before caches are emptied; default: a few seconds. */
  emptyCachesAfterMs?: () => number;
}

/** The steps for certificates, with what they keep between passes. */
export function certificateSteps(options: CertificateOptions) {
  const { gateway, verifier, progress } = options;
  const memory = new CertificateMemory(options);
  const pending = new PendingRollbacks();
  const settle = new SettleStep(memory, pending, options);
  const scan = new ScanStep(memory, progress);
  const write = new WriteStep(memory, options);
  const prove = new ProveStep(gateway, verifier, progress);
  return {
    memory,
    readAhead: new ReadAhead(memory),
    scan,
    retryRollbacks: settle.retry,
    revert: new RevertStep(memory, { write, prove, settle }),
    rounds: new RoundsStep({ scan, plan: new PlanStep(memory), write, prove, settle }),
    remove: new RemoveStep(memory, pending),
    conclude: new ConcludeStep(memory, pending, progress),
    caches: new CachesStep(memory, options.emptyCachesAfterMs),
  };
}
