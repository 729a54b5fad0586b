import type { Digest, SourcedBundle } from './certificate';
import type { Refusal } from './reason';
import type { Half, StoredCertificate } from './stored';

/** One change to make in Kong. */
export type Change =
  | {
      kind: 'update';
      bundle: SourcedBundle;
      certificate: StoredCertificate;
      half: Half;
      /**
       * The ingress controller owns the certificate: it may write first, and later gets the certificate as it would
       * have written it.
       */
      isOfController: boolean;
      /** Names of the bundle to add as SNIs. */
      addSnis: readonly string[];
      /** SNIs to take over from other certificates, each served at any moment. */
      moveSnis?: readonly SniMove[];
      /** SNIs to remove; only from certificates of ours. */
      removeSnis?: readonly string[];
      /** What to do with SNIs that the bundle no longer covers; only on certificates of ours. */
      split?: Split;
      /** Names of ours block the ingress controller; it gets them with its certificate. */
      handsOver?: true;
      /** An operator requested the pair from before the last swap. */
      reverts?: true;
    }
  | {
      kind: 'create';
      bundle: SourcedBundle;
      id: string;
      /** SNIs of the new certificate, without those of `moveSnis`. */
      snis: readonly string[];
      moveSnis?: readonly SniMove[];
      /** Made as the ingress controller would make it, for names of ours that block it. */
      handsOver?: true;
    };

/** An SNI that moves to another certificate. */
export interface SniMove {
  name: string;
  /** Id of the certificate that has it at present. */
  from: string;
  /** Chain of somebody else's certificate, which has ended: it loses the SNI only while it still has that chain. */
  ended?: Digest;
}

/**
 * SNIs that keep the present pair: those that the certificate still has at the write move, with a copy of the pair,
 * to a new certificate of ours. Another change of the same batch may have taken some of them before.
 */
export interface Split {
  /** Id of the new certificate. */
  id: string;
  snis: readonly string[];
}

export interface Plan {
  changes: Change[];
  /** Refusals by bundle id. */
  refused: Map<string, Refusal>;
  /** Refusals that may resolve themselves while the ingress controller has its time, by bundle id. */
  waiting: Map<string, Refusal>;
  /** Names that Kong had from refused bundles until the ingress controller removed them, by bundle id. */
  dropped: Map<string, readonly string[]>;
  /** Halves of certificates that the refused bundles were meant for, by bundle id. */
  meant: Map<string, { certificate: string; half: Half }[]>;
  /** Ids of bundles that Kong has, with the certificates that hold them. */
  inSync: Map<string, string[]>;
  /** Bundles of `inSync` of which Kong has the chain, but another text: it is unchecked whether their key fits. */
  unchecked: SourcedBundle[];
  /** Ids of bundles that no certificate in Kong needs. */
  unused: string[];
  /** Ids of bundles that Kong has from files of its own and that no certificate needs. */
  aside: string[];
  /** Notes on bundles that are neither refused nor to be written, one sentence each, by bundle id. */
  notes: Map<string, string>;
  /** Bundles whose note needs no attention. */
  quiet: Set<string>;
  /** Certificates of ours to remove: they hold no name any more, or kept one until its end. */
  obsolete: StoredCertificate[];
  /** Homes of what Kong has, for the home book. */
  observed: ObservedHome[];
  /** Whether an ingress controller writes to this Kong, as far as its certificates or other signs tell. */
  isBesideController: boolean;
  /** Ids of certificates of the ingress controller without its tags. */
  untagged: string[];
  /** Open questions; the changes are right without their answers, but may not be all. */
  questions: Question[];
  /** When time alone changes the plan (milliseconds since the epoch); Infinity: never. */
  dueAt: number;
}

/** One half of a certificate, with the places that hold its content now. */
export interface ObservedHome {
  certificate: StoredCertificate;
  half: Half;
  /** Bundle ids. */
  places: readonly string[];
}

/** A question that only signatures answer. */
export type Question =
  /** Does a bundle lead to a root that is public or the operator's? */
  | { kind: 'trusted'; bundle: SourcedBundle }
  /** Did the issuer of this half issue the bundle's leaf as well? */
  | { kind: 'same_issuer'; bundle: SourcedBundle; certificate: StoredCertificate; half: Half };

/** The SNIs of its certificate after the change. */
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

/** The half that it writes. */
export const changeHalf = (change: Change): Half => (change.kind === 'create' ? 'main' : change.half);

/** Key of a half of a certificate in maps. */
export const halfKey = (certificate: string, half: Half): string => `${certificate} ${half}`;

/** Key of the half that a change writes. */
export const changeKey = (change: Change): string => halfKey(changeId(change), changeHalf(change));
