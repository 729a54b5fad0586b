export { EvidenceBook } from './evidence';
export { HomeBook } from './homes';
export { makePlan } from './plan';
export { covers, listed, sameNames } from './names';
export type { Evidence, PlanInput } from './world';
