import { checkShape, type IsRoot } from '../certificates';
import type {
  CertificateInfo,
  Half,
  Plan,
  Question,
  Reach,
  Refusal,
  SourcedBundle,
  StoredCertificate,
  StoredHalf,
} from '../model';
import { BundleIndex } from './bundle-index';
import { isSeen, type Homes } from './homes';
import { endOf } from './leaf-times';
import { isTyped, normal } from './names';
import { isFromOperator, looksIssuedAlike } from './ranking';

/** Answers from signatures, as far as questions were asked. */
export interface Evidence {
  /** Whether a bundle leads to a root that is public or the operator's; undefined: not known yet. */
  isTrusted(bundle: SourcedBundle): boolean | undefined;
  /** Whether the issuer of a stored leaf issued the bundle's as well; undefined: not known yet. */
  isSameIssuer(bundle: SourcedBundle, stored: StoredHalf): boolean | undefined;
}

export interface PlanInput {
  /** Every bundle that was parsed. */
  bundles: Iterable<SourcedBundle>;
  certificates: ReadonlyMap<string, StoredCertificate>;
  /** Milliseconds since the epoch. */
  now: number;
  allowDowngrade: boolean;
  /** Former state of bundles that are unreadable now. */
  broken?: readonly SourcedBundle[];
  /**
   * Bundles that must not be tried (again) in their present state, by bundle id: refused by the gate, Kong or a
   * handshake.
   */
  barred: ReadonlyMap<string, Refusal>;
  /**
   * Contents of bundles whose key is known to fit, by bundle id. Left out: no key was ever wrong. Certificates of
   * servers are public, so a tenant's copy without its key proves nothing.
   */
  checked?: ReadonlyMap<string, string>;
  /** Homes known so far. Left out: none. */
  homes?: Homes;
  /** Ids of sources that could not be scanned completely: bundles that are missing there may still exist. */
  away?: ReadonlySet<string>;
  /** Left out: nothing is proven, and no questions are raised. */
  evidence?: Evidence;
  /** Whether to add names that a leaf gained to certificates of others, too. */
  addNames?: boolean;
  /** Recognizes roots that clients know: public ones and the operator's. Left out: none is known. */
  isRoot?: IsRoot;
  /** Knowledge about an ingress controller on this Kong, beside its certificates. */
  controller?: {
    /** It is present although it has no certificate yet. */
    isThere: boolean;
    /** Names that resources of the cluster request, with the Secret (`namespace/name`) of each; null: unknown. */
    asked: ReadonlyMap<string, string> | null;
    /** Whether certificates of others survive its pushes; false without a database. */
    keepsOthers: boolean;
    /** Ids of certificates that are its own although they carry none of its tags. */
    certificates: ReadonlySet<string>;
  };
}

/** Used where signatures are not checked: the operator's own bundles are believed by their names. */
const NO_EVIDENCE: Evidence = {
  isTrusted: () => false,
  isSameIssuer: (bundle, { leaf }) =>
    isFromOperator(bundle) && leaf !== null && looksIssuedAlike(bundle.leaf, leaf),
};

export const emptyPlan = (): Plan => ({
  changes: [],
  refused: new Map(),
  waiting: new Map(),
  dropped: new Map(),
  meant: new Map(),
  inSync: new Map(),
  unchecked: [],
  unused: [],
  aside: [],
  notes: new Map(),
  quiet: new Set(),
  obsolete: [],
  isBesideController: false,
  untagged: [],
  observed: [],
  questions: [],
  dueAt: Number.POSITIVE_INFINITY,
});

/** One plan in the making: its input, and what is found out on the way. */
export class World {
  readonly plan = emptyPlan();
  readonly index: BundleIndex;
  readonly now: number;
  /** Kong's certificates, with SNIs in small letters. */
  readonly certificates: ReadonlyMap<string, StoredCertificate>;
  /** Bundles that a certificate gets or has, each with such a certificate of another owner, if there is one. */
  readonly used = new Map<SourcedBundle, StoredCertificate | null>();
  readonly #evidence: Evidence;
  readonly #asked = new Set<string>();
  #holders: Map<string, StoredCertificate> | null = null;
  #hasController: boolean | null = null;

  constructor(readonly input: PlanInput) {
    this.now = input.now;
    this.index = new BundleIndex(input.bundles, input.broken ?? []);
    this.#evidence = input.evidence ?? NO_EVIDENCE;
    this.certificates = inSmallLetters(input.certificates);
  }

  /** Kong's certificates by SNI. */
  get holders(): ReadonlyMap<string, StoredCertificate> {
    if (this.#holders === null) {
      this.#holders = new Map();
      for (const certificate of this.certificates.values()) {
        for (const sni of certificate.snis) this.#holders.set(sni, certificate);
      }
    }
    return this.#holders;
  }

  /** Records that a certificate gets or has a bundle. */
  use(bundle: SourcedBundle, certificate: StoredCertificate): void {
    if (certificate.owner !== 'us') this.used.set(bundle, certificate);
    else if (!this.used.has(bundle)) this.used.set(bundle, null);
  }

  /** Whether an ingress controller has, or may have, certificates in this Kong. */
  get hasController(): boolean {
    this.#hasController ??=
      this.input.controller?.isThere === true ||
      [...this.certificates.values()].some(
        (one) => one.owner === 'ingress_controller' || (one.owner === 'other' && this.index.isSecrets(one)),
      );
    return this.#hasController;
  }

  /**
   * The Secret that a certificate follows because the ingress controller made it from that. A Secret that was
   * created again has another UID, but the same place.
   */
  secretOf(certificate: StoredCertificate): SourcedBundle | undefined {
    const found = this.index.secretOf(certificate);
    if (found !== undefined || certificate.owner === 'us' || certificate.secret !== null) return found;
    const isOfController =
      certificate.owner === 'ingress_controller' ||
      this.input.controller?.certificates.has(certificate.id) === true ||
      this.hasController;
    const home = isOfController ? (this.input.homes?.of(certificate, 'main') ?? null) : null;
    // A certificate that another writer has put under the name since did not come from there.
    if (home === null || !isSeen(home, certificate, 'main')) return undefined;
    return home.places
      .map((place) => this.index.byId(place, certificate.snis[0]))
      .find((bundle) => bundle?.secret !== undefined);
  }

  /** Whether a chain ends at a root that clients know. */
  leadsToRoot({ issuers }: Reach): boolean {
    const end = issuers.at(-1);
    return end !== undefined && this.input.isRoot?.(end) === true;
  }

  /** Why a bundle must not be served now. */
  unfit(bundle: SourcedBundle): Refusal | null {
    const { leaf } = bundle;
    // A certificate that expires in a moment is not worth a write.
    const at = endOf(leaf) <= this.now ? Math.max(this.now, leaf.notAfter) : this.now;
    const why = this.input.barred.get(bundle.id) ?? checkShape(bundle, at, false);
    if (why?.reason === 'not_yet_valid') this.due(leaf.notBefore);
    return why;
  }

  /** Whether a stored half is this bundle's, judged by its chain. */
  isHad(bundle: SourcedBundle, stored: StoredHalf): boolean {
    if (bundle.content !== stored.content && this.input.barred.has(bundle.id)) return false;
    const isHad = this.wasHad(bundle, stored);
    if (!isHad) this.plan.unchecked.push(bundle);
    return isHad;
  }

  /** The same for an unreadable bundle, as far as it is known. */
  wasHad(bundle: SourcedBundle, stored: StoredHalf): boolean {
    const { checked } = this.input;
    return (
      bundle.content === stored.content ||
      isFromOperator(bundle) ||
      checked === undefined ||
      checked.get(bundle.id) === bundle.content
    );
  }

  /** Whether clients still accept Kong's present leaf. */
  isValid(leaf: CertificateInfo | null): leaf is CertificateInfo {
    return leaf !== null && leaf.notBefore <= this.now && this.now < endOf(leaf);
  }

  /** Notes that the plan changes at this time. */
  due(at: number): void {
    if (at > this.now && at < this.plan.dueAt) this.plan.dueAt = at;
  }

  refuse(bundle: SourcedBundle, why: Refusal, certificate: StoredCertificate, half: Half): void {
    const { refused, meant } = this.plan;
    if (!refused.has(bundle.id)) refused.set(bundle.id, why);
    const known = meant.get(bundle.id);
    const one = { certificate: certificate.id, half };
    if (known === undefined) meant.set(bundle.id, [one]);
    else known.push(one);
  }

  isTrusted(bundle: SourcedBundle): boolean | undefined {
    const known = this.#evidence.isTrusted(bundle);
    if (known === undefined) this.ask({ kind: 'trusted', bundle }, bundle.id);
    return known;
  }

  isSameIssuer(bundle: SourcedBundle, certificate: StoredCertificate, half: Half): boolean | undefined {
    const stored = certificate[half];
    if (stored?.leaf == null) return false;
    const known = this.#evidence.isSameIssuer(bundle, stored);
    if (known === undefined) {
      this.ask({ kind: 'same_issuer', bundle, certificate, half }, `${bundle.id} ${half} ${certificate.id}`);
    }
    return known;
  }

  private ask(question: Question, key: string): void {
    if (this.#asked.has(key)) return;
    this.#asked.add(key);
    this.plan.questions.push(question);
  }
}

/** SNIs are stored as they were typed, and names are compared regardless of case. */
function inSmallLetters(
  certificates: ReadonlyMap<string, StoredCertificate>,
): ReadonlyMap<string, StoredCertificate> {
  let all: Map<string, StoredCertificate> | null = null;
  for (const certificate of certificates.values()) {
    if (!certificate.snis.some(isTyped)) continue;
    all ??= new Map(certificates);
    all.set(certificate.id, { ...certificate, snis: certificate.snis.map(normal) });
  }
  return all ?? certificates;
}
