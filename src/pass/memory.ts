import type { IssuerSet } from '../certificates';
import {
  halfKey,
  type BundleNote,
  type Change,
  type Gateway,
  type Half,
  type Hold,
  type HoldBook,
  type LiveView,
  type Plan,
  type Source,
  type SourcedBundle,
  type StoredCertificate,
  type WriteListener,
  type WrittenHalf,
} from '../model';
import type { HomeBook } from '../plan';
import type { BundleBook } from './bundle-book';
import { BundleReader } from './bundle-reader';
import { Findings } from './findings';
import { FormerPairs } from './former-pairs';
import { notesOf } from './notes';
import { Planner } from './planner';
import { RefusalGrace } from './refusal-grace';
import { isStored } from './prove';
import { RefusedBundles } from './refused-bundles';
import { Takeover, type TakeoverOptions } from './takeover';

export interface MemoryOptions {
  sources: readonly Source[];
  gateway: Gateway;
  allowDowngrade: boolean;
  addNames?: boolean;
  trustedIssuers?: () => IssuerSet;
  homes?: HomeBook;
  takeover: TakeoverOptions;
  /** Whether a change may be made now; default: each may. */
  holds?: HoldBook;
  /** The pairs that were swapped out last; default: none are known. */
  former?: FormerPairs;
  /** Gets every write; must not throw. */
  listener?: WriteListener;
  /** Milliseconds since the epoch. */
  now?: () => number;
}

/** A plan with the state that it was based on. */
interface Shown {
  plan: Plan | null;
  bundles: ReadonlyMap<string, SourcedBundle>;
  certificates: ReadonlyMap<string, StoredCertificate>;
  /** By bundle id. */
  notes: ReadonlyMap<string, BundleNote>;
}

/** State that the steps for certificates keep between passes. */
export class CertificateMemory {
  readonly gateway: Gateway;
  readonly reader: BundleReader;
  readonly book: BundleBook;
  readonly refused: RefusedBundles;
  readonly planner: Planner;
  readonly takeover: Takeover;
  readonly findings: Findings;
  readonly holds: HoldBook;
  readonly former: FormerPairs;
  /** Changes that were held back when they were last decided on, by half of a certificate. */
  readonly held = new Map<string, Hold>();
  readonly refusalGrace: RefusalGrace;
  /** Changes of the last plan that are left to the ingress controller for now. */
  left: readonly Change[] = [];
  /** Whether there is, or may be, something left to do. */
  isOpen = true;
  /** Whether Kong was seen to differ from what is known, between two passes. */
  isOutdated = false;
  /**
   * Time of the next plan even if nothing changes: a bundle becomes valid, or the ingress controller's time is
   * over.
   */
  due = Number.POSITIVE_INFINITY;
  /** When the last plan was made (milliseconds since the epoch). */
  plannedAt = Number.NEGATIVE_INFINITY;
  /** The last plan; null: no pass has got that far yet. */
  plan: Plan | null = null;
  /** Writes to be shown, and passed to the listener, together with the next plan. */
  readonly untold: WrittenHalf[] = [];
  readonly listener: WriteListener | undefined;
  #shown: Shown = { plan: null, bundles: new Map(), certificates: new Map(), notes: new Map() };
  /** Ids of the certificates that had a bundle before it became unreadable, by bundle id. */
  readonly holders = new Map<string, readonly string[]>();

  constructor(options: MemoryOptions) {
    const { sources, gateway, takeover, listener, now = Date.now } = options;
    this.gateway = gateway;
    this.listener = listener;
    this.reader = new BundleReader(sources, {
      find: (content) => gateway.certificates.find(content),
      stored: () => gateway.certificates.stored.values(),
      ...(options.trustedIssuers === undefined ? {} : { trusted: options.trustedIssuers }),
      now,
    });
    this.book = this.reader.book;
    this.refused = new RefusedBundles(this.reader);
    this.planner = new Planner(this.reader, this.refused, { ...options, now });
    this.takeover = new Takeover(takeover);
    this.findings = new Findings(now);
    this.holds = options.holds ?? { permits: () => ({ kind: 'free', urgent: null }) };
    this.former = options.former ?? new FormerPairs();
    this.refusalGrace = new RefusalGrace(takeover.graceMs);
  }

  /**
   * Shows a plan with the bundles and certificates that it was based on. Later findings and writes are shown with
   * the next plan: a view never mixes two moments.
   */
  show(plan: Plan): void {
    if (this.#shown.plan !== plan) {
      const bundles = new Map<string, SourcedBundle>();
      for (const bundle of this.book.bundles()) bundles.set(bundle.id, bundle);
      const notes = new Map(notesOf(plan, bundles).map((note) => [note.bundle, note]));
      const certificates = new Map(this.gateway.certificates.stored);
      for (const id of this.planner.untagged) {
        const untagged = certificates.get(id);
        if (untagged !== undefined) certificates.set(id, { ...untagged, owner: 'ingress_controller' });
      }
      this.#shown = { plan, bundles, certificates, notes };
    }
    for (const written of this.untold.splice(0)) this.listener?.written(written);
  }

  /** The state as of the last plan. */
  get live(): LiveView {
    const { plan, bundles, certificates, notes } = this.#shown;
    return {
      plan,
      certificates,
      sources: this.reader.sources.list(),
      bundle: (id) => bundles.get(id) ?? null,
      sourceOf: (id) => this.book.sourceOf(id),
      refusal: (id) => this.findings.standing(id),
      pastRefusal: (id) => this.findings.past(id),
      failure: (certificate, half) => this.findings.failure(certificate, half),
      note: (id) => notes.get(id)?.note,
      hold: (certificate, half) => this.held.get(halfKey(certificate, half)),
      holders: this.holders,
    };
  }

  /** Notes on single bundles, as of the last plan. */
  get notes(): BundleNote[] {
    return [...this.#shown.notes.values()];
  }

  /** Asks Kong whether it still stores this chain; where it does not, the next pass plans anew. */
  async isStillStored(certificate: string, half: Half, chain: string): Promise<boolean> {
    const isSame = await isStored(this.gateway.certificates, certificate, half, chain);
    if (isSame === false) this.isOutdated = true;
    return isSame !== false;
  }

  /** Whether something needs a second look before it is decided. */
  get isSettling(): boolean {
    return this.reader.isUnsettled || this.findings.settling;
  }
}
