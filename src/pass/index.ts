export { BundleBook } from './bundle-book';
export { certificateSteps, type CertificateOptions } from './certificates';
export { DifferenceFile, type DifferenceStore } from './differences';
export { HomesFile, HomesStep } from './homes-file';
export { Findings, SETTLE_MS } from './findings';
export type { CertificateMemory } from './memory';
export { Passes } from './pass';
export { Schedule } from './schedule';
export type { PassContext, Phase, ProgressListener, Step, Touches } from './step';
