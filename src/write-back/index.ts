export { DeclarativeFile } from './declarative-file';
export { WriteBackStep } from './step';
