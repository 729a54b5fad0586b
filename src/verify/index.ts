export { noCommonCipher, type TlsSettings } from './ciphers';
export { handshake, UnreachableError } from './handshake';
export { probeName } from './names';
export { MOST_LOOKED_AT, Patrol } from './patrol';
export { HandshakeVerifier } from './verifier';
export { servedWithoutSni } from './without-sni';
