export type * from './history';
export type * from './status';
export * from './list';
export * from './own-files';
export * from './verdict';
