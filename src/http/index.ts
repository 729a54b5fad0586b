export { basicAuthorization, holdsLogin, parseAddress, showUrl, type Address, type Login } from './address';
export type { TlsIdentity } from './agent';
export { readLines } from './body';
export { HttpClient, type Credentials, type HttpAnswer, type HttpRequest } from './client';
export {
  HeadersReader,
  NO_TLS_FILES,
  SecretReader,
  TlsReader,
  type Secret,
  type TlsFiles,
} from './credentials';
export { HttpFailure, kindOfStatus, retryAfterMs, type HttpFailureCode } from './failure';
export type { PeerRules } from './peer';
export { parseProxy } from './proxy';
export { withRetries } from './retry';
