export { AdminClient, AdminError, type AdminResponse } from './admin-client';
export { DatabaseTarget } from './database-target';
export { configurationHash, DeclarativeTarget } from './declarative-target';
export {
  findPrefix,
  parseListeners,
  readKongEnvironment,
  readKongValues,
  tlsListeners,
  type KongEnvironment,
  type TlsListener,
} from './environment';
export { readPluginEntries, type PluginEntry } from './plugin-entries';
export { OUR_TAG } from './stored';
