export { DefaultCertificateSource } from './source';
export { DefaultCertificate, NODE_WORDS, type DefaultCertificateOptions } from './state';
export { ObserveDefaultStep, reloadFor, ReloadStep, type FileGroups, type SendReload } from './step';
export type { DefaultCertificateStatus } from './status';
