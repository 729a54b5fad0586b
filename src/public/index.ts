export type * from './history';
export type * from './status';
