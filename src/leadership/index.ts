export { Election, type ElectionOptions } from './election';
export { leadershipLog } from './log';
