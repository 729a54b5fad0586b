export { Reconciler, type ReconcilerOptions } from './reconciler';
export { Schedule } from './schedule';
export { makePlan } from './plan';
