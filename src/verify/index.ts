export { HandshakeVerifier, probeName } from './verifier';
export { Patrol } from './patrol';
export { handshake, UnreachableError } from './handshake';
export { servedWithoutSni } from './without-sni';
