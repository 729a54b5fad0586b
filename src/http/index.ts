export { basicAuthorization, holdsLogin, parseAddress, showUrl, type Address, type Login } from './address';
export { readLines } from './body';
export { HttpClient, type Credentials, type HttpAnswer } from './client';
export { HeadersReader, headersOf, SecretReader, TlsReader, type Secret, type TlsFiles } from './credentials';
export { HttpFailure, kindOfStatus, retryAfterMs } from './failure';
export { onNotice } from './notices';
export type { PeerRules } from './peer';
export { parseProxy } from './proxy';
export { withRetries } from './retry';
