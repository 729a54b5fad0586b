export { Election } from './election';
export { leadershipLog } from './log';
