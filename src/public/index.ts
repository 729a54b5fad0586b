export type * from './history';
export type * from './status';
export * from './verdict';
