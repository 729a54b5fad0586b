import type { EventKind, Half, Reason, Verdict } from '../model';

/** Kinds of events of certificates, sources and Kong; the list is closed. */
export type HistoryKind =
  | EventKind
  /** A renewal appeared, and was not written in the same pass. */
  | 'seen'
  /** Another writer did it in Kong. */
  | 'changed'
  | 'appeared'
  | 'vanished'
  | 'source_down'
  | 'source_up'
  | 'kong_away'
  | 'kong_back'
  | 'started'
  /** By commands of this program. */
  | 'pinned'
  | 'unpinned'
  | 'approved'
  /** Entries were lost: the file could not be written for a while. */
  | 'gap';

/** Who did it. */
export type HistoryActor = 'us' | 'ingress_controller' | 'other' | 'operator';

/** One line of the history; fields that do not apply are null. */
export interface HistoryEntry {
  /** By the clock of the machine, which may have been set back between two lines. */
  at: string;
  /** Id of the plugin's entry, or the configuration file. */
  entry: string;
  kind: HistoryKind;
  by: HistoryActor | null;
  certificate_id: string | null;
  half: Half | null;
  snis: readonly string[];
  location: string | null;
  source: string | null;
  /** Fingerprint of the leaf in question. */
  fingerprint_sha256: string | null;
  /** Fingerprint of the leaf that it replaced. */
  previous_fingerprint_sha256: string | null;
  not_after: string | null;
  reason: Reason | null;
  detail: string;
  /** Result of the handshakes after a write. */
  proof: { verdict: Verdict; handshakes: number; duration_ms: number } | null;
}

/** `GET /history`: newest first. */
export interface HistoryReport {
  entries: readonly HistoryEntry[];
  /** Whether there are more, older entries. */
  is_cut: boolean;
}
