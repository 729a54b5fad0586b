/** SHA-256 in base64url, or several of them joined: how contents are compared. */
export type Digest = string;

export type KeyType = 'rsa' | 'ec' | 'ed25519';

/** What is known of one X.509 certificate without asking OpenSSL. */
export interface CertificateInfo {
  /** SHA-256 of the DER in upper-case hex with colons, as `openssl x509 -fingerprint -sha256` prints it. */
  fingerprint: string;
  /** Hexadecimal, upper case. */
  serial: string;
  /** Milliseconds since the epoch. */
  notBefore: number;
  /** Milliseconds since the epoch. */
  notAfter: number;
  /** DNS names of the subjectAltName, lower case, each once, in their order. */
  names: readonly string[];
  /** IP addresses of the subjectAltName; IPv6 in its canonical form. */
  ips?: readonly string[];
  /** Entries of the subjectAltName, whatever their kind; infinity: too many to read. */
  nameCount?: number;
  /** The common name where there is no subjectAltName: clients ignore it, and the gate refuses the leaf. */
  commonName?: string | undefined;
  keyType: KeyType | 'other';
  /** Bits of the modulus (RSA) or of the curve (EC, Ed25519, Ed448); 0: clients do not know the key. */
  keyBits: number;
  /** RSA's public exponent; 0: longer than 31 bits. */
  exponent?: number;
  signature: 'md5' | 'sha1' | 'other';
  /** The issuer's name as DER, one character for each octet. Equal names prove nothing: `hasSameIssuer` does. */
  issuer?: string;
  /** The key that signed it, as the issuer identifies it (hexadecimal). Written by the issuer, not proven. */
  authorityKeyId?: string | undefined;
  /** Issuer and subject are one name: a root, or self-signed. Not proven: `isSelfSigned` does. */
  isSelfIssued?: boolean;
  isCa: boolean;
  /** Whether a client may show it (extended key usage); left out: it may. */
  isForClients?: boolean;
  /** Whether a server may show it (key usage, extended key usage); left out: it may. */
  isForServers?: boolean;
  /** DER of the subject, where there are no names to tell what it is for. */
  subject?: string | undefined;
}

/**
 * What a source yields, as it was found and not yet looked at. Texts have one character for each octet (latin1), so
 * that a file of any format goes through them unharmed.
 */
export interface RawBundle {
  /** Unique within its source; for files the path of the certificate below the source's root. */
  name: string;
  /** Where it is, for a person. */
  location: string;
  /** The leaf and its chain, possibly with the key: PEM, DER, PKCS#12, … */
  cert: string;
  /** The private key; empty where `cert` holds it too. */
  key: string;
  /** What an encrypted key or a keystore is locked with. Never shown. */
  password?: string;
  /** Which entry of a keystore is meant. */
  alias?: string;
  /** Texts of what lies beside it and may complete the chain (`ca.crt`, `chain.pem`, a full chain), of any format each. */
  issuers?: readonly string[];
  /** Until then (milliseconds since the epoch) somebody may still be writing it: a chain may follow its leaf. */
  settlesAt?: number;
  /** The Secret that it is. */
  secret?: SecretRef;
  /**
   * Names that it is asked for: a certificate that is created for it gets those of them that the leaf covers. Left
   * out: every name of the leaf. Empty: nobody asks for it.
   */
  hosts?: readonly string[];
  /**
   * One file that has to hold everything. `leaf`: a certificate whose key is nowhere, which is no trouble where another
   * bundle has it or a newer one. `keystore`: a truststore is not a bundle, anything else in it is trouble.
   */
  standalone?: 'leaf' | 'keystore';
}

/**
 * Whose a place is: the operator's own (a path, a URL, a Vault path, a Secret by name and namespace), or one that is
 * found by searching, where every tenant of a cluster may put something.
 */
export type Ownership = 'operator' | 'tenants';

/** A Kubernetes Secret. */
export interface SecretRef {
  uid: string;
  namespace: string;
  name: string;
  /** Which cluster it is in, by a kubeconfig; left out: the one that the gateway is in. */
  cluster?: string;
  /** When it was created (milliseconds since the epoch). */
  createdAt?: number;
  /** cert-manager's Certificate that fills it, in the same namespace. */
  certificate?: string;
}

/** Larger than any real chain, and the most that a Kubernetes Secret holds. */
export const MAX_BUNDLE_BYTES = 1_048_576;

/**
 * How far up the certificates behind a leaf lead. One object for all leaves of an issuer that come with the same chain.
 */
export interface Reach {
  /**
   * Names (DER) of the leaf's issuer, of that one's issuer and so on; the last one's certificate is not in the chain.
   * Empty: the leaf is self-issued.
   */
  readonly issuers: readonly string[];
  /** DER of what stands behind the leaf, in order and without a root. */
  readonly certificates: readonly Uint8Array[];
  /** The root stood with them, or the leaf is its own. */
  readonly hasRoot: boolean;
  /** The last certificate names an address where its issuer's certificate can be had, as those of public CAs do. */
  readonly isPublished: boolean;
}

/** A bundle whose text was understood, without the text: the leaf is known and the chain is in order. */
export interface Bundle {
  name: string;
  location: string;
  /** Over every certificate and the key as they were found, and what completes the chain: the cheap comparison. */
  content: Digest;
  /** Over the certificates as they were found, whatever their order. */
  rawChain: Digest;
  /** Certificates that did not stand with the leaf complete the chain. */
  isCompleted?: true;
  /** Over the ordered chain: since the key has to match the leaf, this identifies what would be served. */
  chain: Digest;
  /** How many certificates the chain has, the leaf included and the root not. */
  chainLength: number;
  reach: Reach;
  /** Who issued the end of the chain, for a person, where that is neither a known root nor at hand. */
  openEnd?: string;
  leaf: CertificateInfo;
  /** The Secret that it comes from. */
  secret?: SecretRef;
  /** The names that it is asked for; left out: every name of the leaf. */
  hosts?: readonly string[];
}

/**
 * Whether a chain digest that was stored or served is this bundle's, in order or as it was found. A chain that had to
 * be completed counts as it was found only where the ingress controller writes it, which completes nothing.
 * @param isControllers whether the certificate is the ingress controller's
 */
export function isChainOf(
  { chain, rawChain, isCompleted }: Bundle,
  digest: Digest | undefined,
  isControllers = false,
): boolean {
  if (digest === undefined) return false;
  return digest === chain || (digest === rawChain && (isCompleted !== true || isControllers));
}

/** PEM texts as they are put into Kong: leaf first, each issuer after what it issued, without the root. */
export interface PemPair {
  cert: string;
  key: string;
}

/** A bundle together with the source that yielded it. */
export interface SourcedBundle extends Bundle {
  /** `source#name`, unique in a reloader. */
  id: string;
  /** Whether a certificate may be created in Kong for it. */
  create: boolean;
  /** Its source says `create: true` in so many words. */
  createIsExplicit?: boolean;
  /** Whose place it is; see `Source.ownership`. Left out: the operator's. */
  ownership?: Ownership;
  /** The place of its source in the configuration, from 0. */
  order?: number;
  /** Set where it is for the certificate with exactly these SNIs and for no other, whatever names its leaf has. */
  snis?: readonly string[];
  /** When its issuer means to renew this leaf (milliseconds since the epoch); learned later, where it can be. */
  renewalAt?: number;
}
