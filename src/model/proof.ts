import type { Digest, KeyType } from './certificate';

/** What one listener served for one name. */
export type Shown =
  /** Leaf first, each issuer after what it issued. */
  | { kind: 'chain'; chain: Digest; fingerprint: string; notAfter: number | null }
  /** The server ended the handshake with an alert: it has no certificate for such a client. */
  | { kind: 'refused'; detail: string }
  /** No statement about the certificate: nobody listens, or answers in time, or the connection broke. */
  | { kind: 'silent'; detail: string; isListening: boolean };

/** What listeners served, by `placeOf(listener, sni)`. */
export type ServedNames = ReadonlyMap<string, Shown>;

/** Names to ask for together. */
export interface NamesToAsk {
  /** As stored in Kong. */
  snis: readonly string[];
  /** Set where the certificate has a twin of the other key type, which a client might get instead. */
  keyType?: KeyType;
}

/** The certificate that handshakes should show. */
export interface Expectation extends NamesToAsk {
  /** Any of these chains is right. */
  chains: readonly Digest[];
  /** Kong's chain before the write; null: the certificate, or this half of it, is new. */
  previous?: Digest | null;
  /** SNIs that the write added. */
  added?: readonly string[];
  /** What was served before the write; left out: not asked. */
  before?: ServedNames;
  /** Whether a leaf (its part of a chain's digest) is one that Kong stores; default: yes. */
  isKongs?: (leaf: Digest) => boolean;
  /** Has Kong empty its caches of the certificate; false where it cannot be asked to. Called once at most. */
  emptyCaches?: () => Promise<boolean>;
  /** Whether Kong still stores what was written; null: unknown. Asked now and then while it is not served. */
  isStored: () => Promise<boolean | null>;
}

/**
 * - `served`: every name of the certificate shows it
 * - `wrong`: a name that it served, or should serve now, shows something else
 * - `another`: another certificate or a plugin answers for every name of it, as before the write
 * - `unreachable`: there was no answer, which says nothing about the certificate
 * - `overwritten`: another writer wrote to Kong meanwhile, so there is nothing left to prove
 */
export type Verdict = 'served' | 'wrong' | 'another' | 'unreachable' | 'overwritten';

/** The result of asking Kong's own listeners by handshake. */
export interface Proof {
  verdict: Verdict;
  /** SHA-256 fingerprint of the leaf that was served last; null when no handshake succeeded. */
  servedFingerprint: string | null;
  handshakes: number;
  durationMs: number;
  /** What was observed, for a person; empty when all is well. */
  detail: string;
}

export interface Verifier {
  /**
   * What clients get for these names now; to be called before a write. Names without a quick answer are left out.
   * Never throws.
   */
  observe(names: NamesToAsk): Promise<ServedNames>;
  /**
   * Makes handshakes until every worker that answers serves the expected certificates, or time is over. Never
   * throws.
   * @param proven called for each one that is decided
   */
  prove(expected: readonly Expectation[], proven?: () => void): Promise<Proof[]>;
}
