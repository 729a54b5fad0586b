import { checkShape } from '../certificates';
import type {
  CertificateInfo,
  Half,
  Plan,
  Question,
  Refusal,
  SourcedBundle,
  StoredCertificate,
  StoredHalf,
} from '../model';
import { BundleIndex } from './bundle-index';
import { isSeen, type Homes } from './homes';
import { endOf } from './leaf-times';
import { isTyped, normal } from './names';
import { isOperators, looksIssuedAlike } from './ranking';

/** What signatures tell, as far as it was asked. */
export interface Evidence {
  /** Whether a bundle leads to a root that is public or the operator's; undefined: not known yet. */
  isTrusted(bundle: SourcedBundle): boolean | undefined;
  /** Whether the authority behind a stored leaf issued the bundle's, too; undefined: not known yet. */
  isSameIssuer(bundle: SourcedBundle, stored: StoredHalf): boolean | undefined;
}

export interface PlanInput {
  /** Every bundle that was understood. */
  bundles: Iterable<SourcedBundle>;
  certificates: ReadonlyMap<string, StoredCertificate>;
  /** Milliseconds since the epoch. */
  now: number;
  allowDowngrade: boolean;
  /** Bundles as they were when they were last understood; they are not now. */
  broken?: readonly SourcedBundle[];
  /** Bundles that must not be tried (again) as they are, by bundle id: refused by the gate, Kong or a handshake. */
  barred: ReadonlyMap<string, Refusal>;
  /**
   * Contents of bundles whose key is known to belong to them, by bundle id. Left out: no key was ever wrong. Everybody
   * may have the certificate of a server, so without its key a tenant's copy says nothing.
   */
  checked?: ReadonlyMap<string, string>;
  /** Where what Kong has came from so far. Left out: nothing is remembered. */
  homes?: Homes;
  /** Ids of sources that could not be looked at whole: what is missing from them may still be there. */
  away?: ReadonlySet<string>;
  /** Left out: nothing is proven, and nothing is asked. */
  evidence?: Evidence;
  /** Add names that a leaf gained to certificates that somebody else made, too. */
  addNames?: boolean;
  /** What is known of an ingress controller on this Kong beside its certificates. */
  controller?: {
    /** It is there though it has no certificate yet. */
    isThere: boolean;
    /** Names that resources of the cluster ask for, with the Secret (`namespace/name`) of each; null: not known. */
    asked: ReadonlyMap<string, string> | null;
    /** Without a database its next push removes what others made. */
    keepsOthers: boolean;
    /** Ids of certificates that are its own though they carry none of its tags. */
    certificates: ReadonlySet<string>;
  };
}

/** Where nobody looks at signatures, the operator's own bundles are believed by their words. */
const NO_EVIDENCE: Evidence = {
  isTrusted: () => false,
  isSameIssuer: (bundle, { leaf }) =>
    isOperators(bundle) && leaf !== null && looksIssuedAlike(bundle.leaf, leaf),
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

/** One plan in the making: what it is made from, and what is found out on the way. */
export class World {
  readonly plan = emptyPlan();
  readonly index: BundleIndex;
  readonly now: number;
  /** What Kong has, with its SNIs in small letters. */
  readonly certificates: ReadonlyMap<string, StoredCertificate>;
  /** Bundles that some certificate gets or has, with one that somebody else made, if there is one. */
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

  /** Which certificate in Kong has an SNI. */
  get holders(): ReadonlyMap<string, StoredCertificate> {
    if (this.#holders === null) {
      this.#holders = new Map();
      for (const certificate of this.certificates.values()) {
        for (const sni of certificate.snis) this.#holders.set(sni, certificate);
      }
    }
    return this.#holders;
  }

  /** A certificate gets or has a bundle. */
  use(bundle: SourcedBundle, certificate: StoredCertificate): void {
    if (certificate.owner !== 'us') this.used.set(bundle, certificate);
    else if (!this.used.has(bundle)) this.used.set(bundle, null);
  }

  /** An ingress controller has, or may have, certificates in this Kong. */
  get hasController(): boolean {
    this.#hasController ??=
      this.input.controller?.isThere === true ||
      [...this.certificates.values()].some(
        (one) => one.owner === 'ingress_controller' || (one.owner === 'other' && this.index.isSecrets(one)),
      );
    return this.#hasController;
  }

  /**
   * The Secret that a certificate follows since the ingress controller took it from there. Made anew a Secret has another
   * UID, and stands in the place where the certificate came from.
   */
  secretOf(certificate: StoredCertificate): SourcedBundle | undefined {
    const found = this.index.secretOf(certificate);
    if (found !== undefined || certificate.owner === 'us' || certificate.secret !== null) return found;
    const isControllers =
      certificate.owner === 'ingress_controller' ||
      this.input.controller?.certificates.has(certificate.id) === true ||
      this.hasController;
    const home = isControllers ? (this.input.homes?.of(certificate, 'main') ?? null) : null;
    // What somebody else put under the name since then did not come from there.
    if (home === null || !isSeen(home, certificate, 'main')) return undefined;
    return home.places
      .map((place) => this.index.byId(place, certificate.snis[0]))
      .find((bundle) => bundle?.secret !== undefined);
  }

  /** Why a bundle must not be served to anybody now. */
  unfit(bundle: SourcedBundle): Refusal | null {
    const { leaf } = bundle;
    // What ends in a moment is not worth a write.
    const at = endOf(leaf) <= this.now ? Math.max(this.now, leaf.notAfter) : this.now;
    const why = this.input.barred.get(bundle.id) ?? checkShape(bundle, at, false);
    if (why?.reason === 'not_yet_valid') this.due(leaf.notBefore);
    return why;
  }

  /** Whether Kong's certificate is this bundle's, of which it has the chain at least. */
  isHad(bundle: SourcedBundle, stored: StoredHalf): boolean {
    if (bundle.content !== stored.content && this.input.barred.has(bundle.id)) return false;
    const isHad = this.wasHad(bundle, stored);
    if (!isHad) this.plan.unchecked.push(bundle);
    return isHad;
  }

  /** The same of a bundle that cannot be read any more, as far as it is known. */
  wasHad(bundle: SourcedBundle, stored: StoredHalf): boolean {
    const { checked } = this.input;
    return (
      bundle.content === stored.content ||
      isOperators(bundle) ||
      checked === undefined ||
      checked.get(bundle.id) === bundle.content
    );
  }

  /** Whether clients still accept what Kong has. */
  isValid(leaf: CertificateInfo | null): leaf is CertificateInfo {
    return leaf !== null && leaf.notBefore <= this.now && this.now < endOf(leaf);
  }

  /** The plan is another one from then on. */
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

/** SNIs are stored as somebody typed them, and names are compared without regard to that. */
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
