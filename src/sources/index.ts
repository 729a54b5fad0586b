export { createSources, isTrust, USUAL_PLACES } from './create';
export { DirectorySource } from './directory/source';
export { FileSource } from './file/source';
export { type SourceConfig } from './registry';
