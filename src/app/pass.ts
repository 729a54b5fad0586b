import { ObserveDefaultStep, ReloadStep } from '../default-certificate';
import type { Half, LiveView, PassCause, PassReport } from '../model';
import {
  certificateSteps,
  HomesStep,
  Passes,
  type CertificateOptions,
  type HomesFile,
  type RevertStep,
  type Step,
  type Touches,
} from '../pass';
import type { Files } from './file-groups';
import type { Trust } from '../trust';
import { WriteBackStep, type DeclarativeFile } from '../write-back';

export interface PassParts extends CertificateOptions {
  /** Report what would change, and change nothing; default: false. */
  observe?: boolean;
  /** Whether this gateway writes, among many; default: it does. */
  mayWrite?: () => boolean;
  /** Whether this gateway is being stopped; default: it is not. */
  isStopping?: () => boolean;
  /** Default or null: the CA certificates that Kong trusts are left alone. */
  trust?: Trust | null;
  declarativeFile?: DeclarativeFile | null;
  /** The files that Kong itself reads; default or null: they are not watched. */
  files?: Files | null;
  /** Default or null: homes are not kept from one process to the next. */
  homesFile?: HomesFile | null;
}

/** Makes passes, and knows the state between them. */
export interface PassRunner {
  steps: readonly Step[];
  /** Restores what an operator asks for, in the next pass. */
  readonly revert: Pick<RevertStep, 'ask' | 'cancel'>;
  /** @throws Error when no pass can be made: Kong does not answer */
  readonly pass: (cause: PassCause, touched?: ReadonlySet<string>, touches?: Touches) => Promise<PassReport>;
  /** Reads ahead what a watch reported. @returns whether all of it is whole, so that the pass need not wait */
  readonly readAhead: (touched: ReadonlySet<string>, isWaiting: () => boolean) => Promise<boolean>;
  /** The present state. */
  readonly live: () => LiveView;
  /** Asks Kong whether it still stores this chain; where it does not, the next pass plans anew. */
  readonly isStillStored: (certificate: string, half: Half, chain: string) => Promise<boolean>;
  /** Notes that listeners do not serve what Kong stores. @returns whether a pass should have Kong empty its caches */
  readonly noteUnserved: (certificate: string, half: Half, chain: string) => boolean;
  /** Notes that a listener serves what Kong stores. */
  readonly noteServed: (certificate: string, half: Half) => void;
}

/** Every step of a pass, in order. */
export function createPass(parts: PassParts): PassRunner {
  const { trust, declarativeFile, files, homesFile } = parts;
  const certificates = certificateSteps({
    ...parts,
    ...(homesFile == null ? {} : { homes: homesFile.load() }),
  });
  const { memory, scan, retryRollbacks, revert, rounds, remove, conclude, caches } = certificates;
  const live = (): LiveView => ({
    ...memory.live,
    sources: [...memory.live.sources, ...steps.flatMap((step) => step.sources?.() ?? [])],
  });
  const steps: readonly Step[] = [
    trust?.scan,
    ...[files?.byDefault, files?.node?.certificates].map((group) => group && new ObserveDefaultStep(group)),
    scan,
    retryRollbacks,
    revert,
    rounds,
    remove,
    // It may wait for the disk, so it comes before anything is shown.
    homesFile && new HomesStep(memory.planner.homes, homesFile),
    conclude,
    caches,
    trust?.write,
    declarativeFile && new WriteBackStep(declarativeFile, live),
    // Last, since the reload may end this process.
    files && new ReloadStep(files, files.send),
  ].filter((step) => step != null);
  const passes = new Passes({ ...parts, observe: parts.observe ?? false, steps });
  return {
    steps,
    revert,
    pass: (cause, touched, touches) => passes.run(cause, touched, touches),
    readAhead: (touched, isWaiting) => certificates.readAhead.read(touched, isWaiting),
    live,
    isStillStored: (certificate, half, chain) => memory.isStillStored(certificate, half, chain),
    noteUnserved: (certificate, half, chain) =>
      caches.noteUnserved(certificate, half, chain, (parts.now ?? Date.now)()),
    noteServed: (certificate, half) => caches.noteServed(certificate, half, (parts.now ?? Date.now)()),
  };
}
