export { DefaultCertificate, type DefaultCertificateOptions } from './default-certificate';
export { Reconciler, type ReconcilerOptions } from './reconciler';
export { Schedule } from './schedule';
export { TrustKeeper } from './trust';
export { TrustingReconciler } from './trusting-reconciler';
