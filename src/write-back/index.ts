export { DeclarativeFile } from './declarative-file';
export type { ReadTexts } from './file-certificates';
export { WriteBackStep } from './step';
export type { DeclarativeFileStatus } from './status';
