export type * from './status';
