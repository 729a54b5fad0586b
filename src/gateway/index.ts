export { AdminClient, AdminError, type AdminResponse } from './admin/client';
export { DatabaseTarget } from './database/gateway';
export { configurationHash } from './declarative/post';
export { DeclarativeTarget } from './declarative/gateway';
export {
  findPrefix,
  parseListeners,
  readKongEnvironment,
  readKongValues,
  tlsListeners,
  type KongEnvironment,
  type TlsListener,
} from './node/environment';
export { readNodeFiles, type NodeFiles } from './node/node-files';
export { readPluginEntries, type PluginEntry } from './admin/plugin-entries';
export { OUR_TAG } from './admin/entities';
export { KongReload } from './node/reload';
export { DatabaseCaStore } from './database/ca-certificates';
export { DeclarativeCaStore } from './declarative/ca-certificates';
