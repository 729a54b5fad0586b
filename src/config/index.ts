export { ABSOLUTE_PATH, type EntityCheck, type KongField, type NamedField, type Values } from './kong-field';
export { complete } from './complete';
export { ConfigError, showPath, type ConfigPath } from './problem';
export { toKongSchema } from './schema';
