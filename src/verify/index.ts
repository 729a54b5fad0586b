export { noCommonCipher, type TlsSettings } from './ciphers';
export { handshake, UnreachableError } from './handshake';
export { probeName } from './names';
export { Patrol } from './patrol';
export { MAX_NAMES_ASKED } from './spot-check';
export { HandshakeVerifier } from './verifier';
export { servedWithoutSni } from './without-sni';
