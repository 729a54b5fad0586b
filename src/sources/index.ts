export { DirectorySource } from './directory';
export { FileSource } from './file';
