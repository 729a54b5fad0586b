import type { Digest, KeyType } from './certificate';

/** What one listener showed for one name. */
export type Shown =
  /** Leaf first, each issuer after what it issued. */
  | { kind: 'chain'; chain: Digest; fingerprint: string; notAfter: number | null }
  /** The server itself ended the handshake by an alert: it has nothing for such a client. */
  | { kind: 'refused'; detail: string }
  /** It says nothing about the certificate: nobody listens, or answers in time, or the connection broke. */
  | { kind: 'silent'; detail: string; isListening: boolean };

/** What listeners showed, by `placeOf(listener, sni)`. */
export type ServedNames = ReadonlyMap<string, Shown>;

/** Names that are asked for together. */
export interface NamesToAsk {
  /** As they are stored in Kong. */
  snis: readonly string[];
  /** Set where the certificate has a twin of the other key type, which a client might get instead. */
  keyType?: KeyType;
}

/** The certificate that a handshake has to show. */
export interface Expectation extends NamesToAsk {
  /** Any of these chains will do. */
  chains: readonly Digest[];
  /** The chain that Kong had there before; null: the certificate, or this half of it, is new. */
  previous?: Digest | null;
  /** SNIs that the write added. */
  added?: readonly string[];
  /** What was served before the write; left out: nobody asked. */
  before?: ServedNames;
  /** Whether a leaf (its part of a chain's digest) is one that Kong stores; default: it may be. */
  isKongs?: (leaf: Digest) => boolean;
  /** Whether Kong still stores what was written; null: it does not say. Asked now and then while it is not served. */
  isStored: () => Promise<boolean | null>;
}

/**
 * - `served`: every name that this certificate serves shows it
 * - `wrong`: a name that it served, or should serve now, shows something else
 * - `another`: another certificate or a plugin answers for every name of it, as before the write
 * - `unreachable`: there was no answer, which says nothing about the certificate
 * - `overwritten`: somebody else wrote to Kong meanwhile, so there is nothing to prove any more
 */
export type Verdict = 'served' | 'wrong' | 'another' | 'unreachable' | 'overwritten';

/** The result of asking Kong's own listeners by handshake. */
export interface Proof {
  verdict: Verdict;
  /** SHA-256 fingerprint of the leaf that was shown last; null when no handshake succeeded. */
  servedFingerprint: string | null;
  handshakes: number;
  durationMs: number;
  /** What was seen, for a person; empty when all is well. */
  detail: string;
}

export interface Verifier {
  /**
   * What clients get for these names now; to be asked before a write. Names that do not answer quickly are left out.
   * Never throws.
   */
  observe(names: NamesToAsk): Promise<ServedNames>;
  /**
   * Handshakes until every worker that answers serves the expectation, or time is over. Never throws.
   * @param proven called for each that is through
   */
  prove(expected: readonly Expectation[], proven?: () => void): Promise<Proof[]>;
}
