export { AdminClient, AdminError, type AdminResponse } from './admin-client';
export { DatabaseTarget } from './database-target';
export { configurationHash } from './declarative-post';
export { DeclarativeTarget } from './declarative-target';
export {
  findPrefix,
  parseListeners,
  readKongEnvironment,
  readKongValues,
  tlsListeners,
  type KongEnvironment,
  type TlsListener,
} from './environment';
export { readNodeFiles, type NodeFiles } from './node-files';
export { readPluginEntries, type PluginEntry } from './plugin-entries';
export { OUR_TAG } from './stored';
export { KongReload } from './reload';
export { DatabaseCaStore } from './database-ca-store';
export { DeclarativeCaStore } from './declarative-ca-store';
