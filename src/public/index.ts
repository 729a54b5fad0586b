export type * from './history';
export type * from './status';
export * from './list';
export * from './verdict';
