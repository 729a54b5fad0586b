export { AdminClient, AdminError, type AdminResponse } from './admin/client';
export { OUR_TAG } from './admin/entities';
export { DatabaseGateway } from './database/gateway';
export { DeclarativeGateway } from './declarative/gateway';
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
export { KongReload } from './node/reload';
