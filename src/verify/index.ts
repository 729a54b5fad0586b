export { HandshakeVerifier, probeName } from './verifier';
export { handshake, UnreachableError } from './handshake';
