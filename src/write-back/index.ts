export { DeclarativeFile } from './declarative-file';
export { WriteBackStep } from './step';
export type { DeclarativeFileStatus } from './status';
