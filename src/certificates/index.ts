export { digestOf, openBundle, readPem, toPem, toPemAsFound, type OpenedBundle } from './bundle';
export { checkKeyAndChain, checkShape } from './gate';
export { asSnis, coversSni, isPattern, sameNames, whyNotSni } from './names';
export { fingerprint, fingerprintOf, parseCertificate } from './x509';
export { decodePem, isCertificate } from './pem';
export { inspectFiles, openAny, type Inspection } from './formats/open';
export { identify, readCaBundle } from './ca';
export {
  hasSameIssuer,
  isPublicRootName,
  isSelfSigned,
  issuerSet,
  leadsTo,
  NO_ISSUERS,
  PUBLIC_ROOTS,
  publicKeyDigest,
  publicKeyDigestOfKey,
  setOf,
  type IssuerSet,
} from './issuers';
