/** SHA-256 in base64url, or several of them joined; identifies a content. */
export type Digest = string;

export type KeyType = 'rsa' | 'ec' | 'ed25519';

/** Facts about an X.509 certificate, found without OpenSSL. */
export interface CertificateInfo {
  /** SHA-256 of the DER in upper-case hex with colons, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint: string;
  /** Hexadecimal, upper case. */
  serial: string;
  /** Milliseconds since the epoch. */
  notBefore: number;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** DNS names of the subjectAltName, lower case, each once, in order. */
  names: readonly string[];
  /** IP addresses of the subjectAltName; IPv6 in its canonical form. */
  ips?: readonly string[];
  /** Entries of the subjectAltName of any kind; Infinity: too many to read. */
  nameCount?: number;
  /** The common name where there is no subjectAltName: clients ignore it, and the gate refuses the leaf. */
  commonName?: string | undefined;
  keyType: KeyType | 'other';
  /** Bits of the modulus (RSA) or of the curve (EC, Ed25519, Ed448); 0: a type that clients do not know. */
  keyBits: number;
  /** RSA's public exponent; 0: longer than 31 bits. */
  exponent?: number;
  signature: 'md5' | 'sha1' | 'other';
  /** The issuer's name as DER, one character for each octet. Equal names prove nothing: `hasSameIssuer` does. */
  issuer?: string;
  /** Key identifier of the issuer (hexadecimal). Written by the issuer, not proven. */
  authorityKeyId?: string | undefined;
  /** Issuer and subject have one name: a root, or self-signed. Not proven: `isSelfSigned` does. */
  isSelfIssued?: boolean;
  isCa: boolean;
  /** Whether clients may use it (extended key usage); left out: they may. */
  isForClients?: boolean;
  /** Whether servers may use it (key usage, extended key usage); left out: they may. */
  isForServers?: boolean;
  /** DER of the subject; only where there are no names to tell its purpose. */
  subject?: string | undefined;
}

/**
 * A bundle as a source found it, not yet parsed. Texts have one character for each octet (latin1), so that files of
 * any format pass unharmed.
 */
export interface RawBundle {
  /** Unique within its source; for files the path of the certificate below the source's root. */
  name: string;
  /** Its place, for a person. */
  location: string;
  /** The leaf and its chain, possibly with the key: PEM, DER, PKCS#12, … */
  cert: string;
  /** The private key; empty where `cert` holds it too. */
  key: string;
  /** Password of an encrypted key or a keystore. Never shown. */
  password?: string;
  /** Alias of the entry in a keystore. */
  alias?: string;
  /** Texts of files beside it that may complete the chain (`ca.crt`, `chain.pem`, a full chain), in any format. */
  issuers?: readonly string[];
  /** Until then (milliseconds since the epoch) it may still be incomplete: a chain may follow its leaf. */
  settlesAt?: number;
  /** The Secret that holds it. */
  secret?: SecretRef;
  /**
   * Names that it is requested for: a certificate created for it gets those that the leaf covers. Left out: every
   * name of the leaf. Empty: nothing requests it.
   */
  hosts?: readonly string[];
  /**
   * Set for a single file that has to hold everything. `leaf`: a certificate whose key is missing, which is no
   * trouble where another bundle has it or a newer one. `keystore`: a truststore is no bundle, anything else in it
   * is trouble.
   */
  standalone?: 'leaf' | 'keystore';
}

/**
 * Who controls a place: the operator (a path, a URL, a Vault path, a Secret by name and namespace), or tenants,
 * where it is found by searching and every tenant of a cluster may put something there.
 */
export type Ownership = 'operator' | 'tenants';

/** A Kubernetes Secret. */
export interface SecretRef {
  uid: string;
  namespace: string;
  name: string;
  /** Cluster, identified by a kubeconfig; left out: the one that the gateway runs in. */
  cluster?: string;
  /** Time of creation (milliseconds since the epoch). */
  createdAt?: number;
  /** Name of cert-manager's Certificate that fills it, in the same namespace. */
  certificate?: string;
}

/** Larger than any real chain; the most that a Kubernetes Secret holds. */
export const MAX_BUNDLE_BYTES = 1_048_576;

/**
 * How far up the certificates behind a leaf lead. One object is shared by all leaves of an issuer with the same
 * chain.
 */
export interface Reach {
  /**
   * Names (DER) of the leaf's issuer, of that one's issuer and so on; the certificate of the last one is not in the
   * chain. Empty: the leaf is self-issued.
   */
  readonly issuers: readonly string[];
  /** DER of the certificates behind the leaf, in order and without a root. */
  readonly certificates: readonly Uint8Array[];
  /** The root came with them, or the leaf is its own root. */
  readonly hasRoot: boolean;
  /** The last certificate names an address of its issuer's certificate, as those of public CAs do. */
  readonly isPublished: boolean;
}

/** A parsed bundle without its text: the leaf is known and the chain is in order. */
export interface Bundle {
  location: string;
  /**
   * Digest of every certificate and the key as they were found, and of what completes the chain: the cheap
   * comparison.
   */
  content: Digest;
  /** Digest of the certificates as they were found, in that order. */
  rawChain: Digest;
  /** Certificates from elsewhere complete the chain. */
  isCompleted?: true;
  /** Digest of the ordered chain: since the key has to match the leaf, this identifies what would be served. */
  chain: Digest;
  /** Number of certificates in the chain, including the leaf, without the root. */
  chainLength: number;
  reach: Reach;
  /** Issuer of the chain's last certificate, for a person, where that issuer is neither a known root nor at hand. */
  openEnd?: string | undefined;
  leaf: CertificateInfo;
  /** The Secret that it comes from. */
  secret?: SecretRef;
  /** The names that it is requested for; left out: every name of the leaf. */
  hosts?: readonly string[];
}

/**
 * Whether a stored or served chain digest is this bundle's, in order or as it was found. A completed chain counts
 * as it was found only for the ingress controller, which completes nothing.
 * @param isOfController whether the certificate is the ingress controller's
 */
export function isChainOf(
  { chain, rawChain, isCompleted }: Bundle,
  digest: Digest | undefined,
  isOfController = false,
): boolean {
  if (digest === undefined) return false;
  return digest === chain || (digest === rawChain && (isCompleted !== true || isOfController));
}

/** PEM texts in the form that Kong gets: leaf first, each followed by its issuer, without the root. */
export interface PemPair {
  cert: string;
  key: string;
}

/** A bundle with the source that yielded it. */
export interface SourcedBundle extends Bundle {
  /** `source#name`, unique in a reloader. */
  id: string;
  /** Whether a certificate may be created in Kong for it. */
  create: boolean;
  /** Its source is configured with an explicit `create: true`. */
  createIsExplicit?: boolean | undefined;
  /** See `Source.ownership`; left out: the operator's. */
  ownership?: Ownership;
  /** Index of its source in the configuration. */
  order?: number;
  /** Set for a bundle of the certificate with exactly these SNIs and of no other, whatever names its leaf has. */
  snis?: readonly string[];
  /** When its issuer means to renew this leaf (milliseconds since the epoch); learned later, where possible. */
  renewalAt?: number;
}

type Validity = Pick<CertificateInfo, 'notBefore' | 'notAfter'>;

/** Positive where `a` was issued later (or, issued at the same time, lasts longer) than `b`. */
export function compareAge(a: Validity, b: Validity): number {
  return a.notBefore - b.notBefore || a.notAfter - b.notAfter;
}
