import type { SourcedBundle } from './certificate';
import type { Refusal } from './reason';
import type { Half, StoredCertificate } from './stored';

/** An SNI that a certificate of ours gets from another one of ours. */
export interface SniMove {
  name: string;
  /** Id of the certificate that has it. */
  from: string;
}

/** One thing to do in Kong. */
export type Change =
  | {
      kind: 'update';
      bundle: SourcedBundle;
      certificate: StoredCertificate;
      half: Half;
      /** The ingress controller owns the certificate: it gets its turn first, and gets it as it would write it. */
      isControllers: boolean;
      /** Names of the bundle to add as SNIs. */
      addSnis: readonly string[];
      moveSnis?: readonly SniMove[];
      /**
       * Names that the bundle does not cover, only on certificates of ours: those that the certificate still has when
       * it is written move to a new certificate of this id first, which gets what this one had.
       */
      split?: { id: string; snis: readonly string[] };
    }
  | {
      kind: 'create';
      bundle: SourcedBundle;
      id: string;
      snis: readonly string[];
      moveSnis?: readonly SniMove[];
    };

export interface Plan {
  changes: Change[];
  /** By bundle id. */
  refused: Map<string, Refusal>;
  /** Which halves of certificates the refused bundles were meant for, by bundle id. */
  meant: Map<string, { certificate: string; half: Half }[]>;
  /** Ids of bundles that Kong already has, with the certificates that hold them. */
  inSync: Map<string, string[]>;
  /**
   * Those of `inSync` of which Kong has the chain, but not this very text: whether their key belongs to it was
   * not looked at.
   */
  unchecked: SourcedBundle[];
  /** Ids of bundles that nothing in Kong asks for. */
  unused: string[];
  /** Ids of bundles that Kong has from files of its own and that no certificate asks for. */
  aside: string[];
}

export function changeId(change: Change): string {
  return change.kind === 'create' ? change.id : change.certificate.id;
}
