export { AdminClient, AdminError, type AdminClientOptions, type AdminResponse } from './admin/client';
export { OUR_TAG } from './admin/entities';
export { DatabaseGateway } from './database/gateway';
export { DeclarativeGateway } from './declarative/gateway';
export {
  holdKongValues,
  parseListeners,
  readKongEnvironment,
  readKongValues,
  tlsListeners,
  type KongEnvironment,
  type TlsListener,
} from './node/environment';
export { kongIdentity, type KongIdentity } from './node/identity';
export { readNodeFiles, type NodeFiles } from './node/node-files';
export { findPrefix } from './node/processes';
export { KongReload } from './node/reload';
