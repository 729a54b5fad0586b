import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ObserveDefaultStep, ReloadStep } from '../default-certificate';
import { stateFolder } from '../gateway';
import type { Half, LiveView, PassCause, PassReport } from '../model';
import {
  certificateSteps,
  HomesStep,
  Passes,
  type CertificateOptions,
  type HomesFile,
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
  /** Left out, or null: what Kong trusts is nobody's business here. */
  trust?: Trust | null;
  declarativeFile?: DeclarativeFile | null;
  /** The files that Kong itself reads. */
  files?: Files | null;
  /** Left out, or null: nothing is kept from one process to the next. */
  homesFile?: HomesFile | null;
}

/** A pass that can be made again and again, and what is known between two of them. */
export interface PassRunner {
  steps: readonly Step[];
  /** @throws Error when it cannot be made: Kong does not answer */
  readonly pass: (
    cause: PassCause,
    touched?: ReadonlySet<string>,
    touches?: Touches,
  ) => Promise<PassReport>;
  /** What is known now. */
  readonly live: () => LiveView;
  /** Asks Kong whether it still stores this; where not, the next pass makes a new plan. */
  readonly isStillStored: (certificate: string, half: Half, chain: string) => Promise<boolean>;
}

/** Where it is kept which source each certificate came from; one file for each entry. */
export const homesPath = (prefix: string, entry: string): string =>
  join(
    stateFolder(prefix),
    `ssl-cert-reloader.homes-${createHash('sha256').update(entry).digest('hex').slice(0, 12)}`,
  );

/** Every step of a pass, in order. */
export function createPass(parts: PassParts): PassRunner {
  const { trust, declarativeFile, files, homesFile } = parts;
  const { memory, scan, retryRollbacks, rounds, remove, conclude } = certificateSteps({
    ...parts,
    ...(homesFile == null ? {} : { homes: homesFile.load() }),
  });
  const live = (): LiveView => ({
    ...memory.live,
    sources: [...memory.live.sources, ...steps.flatMap((step) => step.sources?.() ?? [])],
  });
  const steps: readonly Step[] = [
    trust?.scan,
    ...[files?.byDefault, files?.node?.certificates].map((group) => group && new ObserveDefaultStep(group)),
    scan,
    retryRollbacks,
    rounds,
    remove,
    conclude,
    homesFile && new HomesStep(memory.planner.homes, homesFile),
    trust?.write,
    declarativeFile && new WriteBackStep(declarativeFile, live),
    // Kong may end this process when it reloads.
    files && new ReloadStep(files, files.send),
  ].filter((step) => step != null);
  const passes = new Passes({ ...parts, observe: parts.observe ?? false, steps });
  return {
    steps,
    pass: (cause, touched, touches) => passes.run(cause, touched, touches),
    live,
    isStillStored: (certificate, half, chain) => memory.isStillStored(certificate, half, chain),
  };
}
