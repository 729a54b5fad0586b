export { noCommonCipher, type TlsSettings } from './ciphers';
export { handshake, UnreachableError } from './handshake';
export { probeName } from './names';
export { MAX_NAMES_ASKED, Patrol } from './patrol';
export { HandshakeVerifier } from './verifier';
export { servedWithoutSni } from './without-sni';
