export { DefaultCertificateSource } from './source';
export { DefaultCertificate, type DefaultCertificateOptions } from './state';
export { ObserveDefaultStep, ReloadStep } from './step';
export type { DefaultCertificateStatus } from './status';
