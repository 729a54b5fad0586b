export { complete, openBundle, toPem, toPemAsFound, type OpenedBundle } from './bundle';
export { checkKeyAndChain, checkShape, warningsOf } from './gate';
export { asSnis, isPattern, namesWarning, whyNotSni } from './names';
export { fingerprintOf, parseCertificate, readByOpenSsl } from './x509';
export { decodePem, isCertificate } from './pem';
export { inspectFiles, openAny } from './formats/open';
export { factsOf, NOTHING, type FileFacts, type LeafFacts } from './formats/facts';
export { identify, readCaBundle } from './ca';
export { areSameTexts, publicHalfOf, withKey, type PublicHalf } from './public-half';
export { digestOf, openEndsOf, reachOfPem, readPem, storedHalfOf, type PemContent } from './pem-content';
export {
  isPublicRoot,
  provisionalIssuerOf,
  isSameReach,
  isShorter,
  missingIssuer,
  NO_REACH,
  openEndOf,
  readableName,
  type IsRoot,
} from './reach';
export type { ParsedCertificate } from './x509';
export {
  hasSameIssuer,
  isSelfSigned,
  issuerSet,
  leadsTo,
  NO_ISSUERS,
  PUBLIC_ROOTS,
  publicKeyDigest,
  publicKeyDigestOfKey,
  type IssuerSet,
} from './issuers';
