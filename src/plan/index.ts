export { makePlan, type PlanInput } from './plan';
export { sameNames } from './bundle-index';
