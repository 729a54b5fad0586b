import type { SourcedBundle } from './certificate';
import type { Refusal } from './reason';
import type { Half, StoredCertificate } from './stored';

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
      /** SNIs of other certificates that this one takes over, without a moment in which they are not served. */
      moveSnis?: readonly SniMove[];
      /** SNIs to take away; only from certificates that are ours. */
      removeSnis?: readonly string[];
      /** What happens to SNIs that the bundle no longer covers; only on certificates that are ours. */
      split?: Split;
      /** Names of ours block the ingress controller, which gets them with its certificate as it would have it. */
      handsOver?: true;
      /** An operator wants what it had before its last swap. */
      reverts?: true;
    }
  | {
      kind: 'create';
      bundle: SourcedBundle;
      id: string;
      /** Those of `moveSnis` not among them. */
      snis: readonly string[];
      moveSnis?: readonly SniMove[];
      /** It is made as the ingress controller would make it, for names of ours that block it. */
      handsOver?: true;
    };

/** An SNI that changes its certificate. */
export interface SniMove {
  name: string;
  /** Id of the certificate that has it now. */
  from: string;
}

/**
 * SNIs that keep the present pair: those that the certificate still has when it is written move with a copy of it to
 * a new certificate of ours. Another change of the same batch may have taken some of them before.
 */
export interface Split {
  /** Id of the new certificate. */
  id: string;
  snis: readonly string[];
}

export interface Plan {
  changes: Change[];
  /** By bundle id. */
  refused: Map<string, Refusal>;
  /** Refusals that an ingress controller gets its time for, by bundle id. */
  waiting: Map<string, Refusal>;
  /** Names that Kong had from refused bundles until the ingress controller took them out, by bundle id. */
  dropped: Map<string, readonly string[]>;
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
  /** What to say of bundles that are neither refused nor to be written, by bundle id: one sentence each. */
  notes: Map<string, string>;
  /** Bundles whose note needs nobody's attention. */
  quiet: Set<string>;
  /** Certificates of ours that hold no name any more, or that kept one until its end: to be removed. */
  obsolete: StoredCertificate[];
  /** Where what Kong has comes from; the home book remembers it. */
  observed: ObservedHome[];
  /** An ingress controller writes to this Kong, as far as its certificates or what is known of it tell. */
  isBesideController: boolean;
  /** Ids of certificates of the ingress controller that do not carry its tags. */
  untagged: string[];
  /** What has to be known before the plan is whole; its changes are right without it. */
  questions: Question[];
  /** When time alone makes another plan (milliseconds since the epoch); infinity: never. */
  dueAt: number;
}

/** One half of a certificate whose content is that of these places now. */
export interface ObservedHome {
  certificate: StoredCertificate;
  half: Half;
  /** Bundle ids. */
  places: readonly string[];
}

/** Something that only signatures tell. */
export type Question =
  /** Whether a bundle leads to a root that is public or the operator's. */
  | { kind: 'trusted'; bundle: SourcedBundle }
  /** Whether the authority that issued what this half has issued the bundle's leaf, too. */
  | { kind: 'same_issuer'; bundle: SourcedBundle; certificate: StoredCertificate; half: Half };

/** The names that its certificate has once it is made. */
export function namesAfter(change: Change): string[] {
  const moved = change.moveSnis?.map(({ name }) => name) ?? [];
  if (change.kind === 'create') return [...new Set([...change.snis, ...moved])];
  const lost = new Set([...(change.removeSnis ?? []), ...(change.split?.snis ?? [])]);
  const kept = change.certificate.snis.filter((name) => !lost.has(name));
  return [...new Set([...kept, ...change.addSnis, ...moved])];
}

export function changeId(change: Change): string {
  return change.kind === 'create' ? change.id : change.certificate.id;
}
