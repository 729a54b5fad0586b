export { HandshakeVerifier, probeName } from './verifier';
export { handshake } from './handshake';
