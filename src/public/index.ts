export type * from './status';
export * from './verdict';
