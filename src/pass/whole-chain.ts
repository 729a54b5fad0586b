import {
  complete,
  isPublicRoot,
  leadsTo,
  missingIssuer,
  openEndOf,
  parseCertificate,
  PUBLIC_ROOTS,
  type IsRoot,
  type IssuerSet,
  type OpenedBundle,
  type ParsedCertificate,
} from '../certificates';
import { push } from '../common/multimap';
import { isRefusal, type Bundle, type Reach, type Source, type StoredCertificate } from '../model';
import type { Entry } from './bundle-book';

interface WholeChainOptions {
  /** The certificates that Kong stores. */
  stored: () => Iterable<StoredCertificate>;
  entries: () => Iterable<Entry>;
  /** CAs that the operator trusts, beside the public ones. */
  trusted: () => IssuerSet;
  /** Whether tenants' bundles are among the sources: one tenant must not be able to spoil another's chain. */
  isShared: boolean;
  now: () => number;
}

/** Certificates by subject. */
type BySubject = ReadonlyMap<string, readonly ParsedCertificate[]>;

const NONE: BySubject = new Map();

/** Most chains of one place that are looked at for others; real places have a few. */
const MOST_OF_A_PLACE = 32;

/** Chains of Kong and of other bundles, to complete those that end early. Computed only when one does. */
export class WholeChains {
  #subjects: ReadonlySet<string> | null = null;
  #kong: BySubject | null = null;
  /** Reaches of Kong's certificates by the names of their leaves. */
  #kongByName: Map<string, Reach[]> | null = null;
  /** By source, and by namespace for sources of tenants. */
  #places: ReadonlyMap<Source, ReadonlyMap<string, ReadonlySet<Reach>>> | null = null;
  #bare: ReadonlySet<string> | null = null;
  /** By source: certificates of other owners that lead to a known root. */
  readonly #far = new Map<Source, BySubject>();
  /** Ends of chains, each shared by thousands of bundles. */
  readonly #ends = new Map<Reach, { missing: string | null; openEnd: string | null }>();

  constructor(private readonly options: WholeChainOptions) {}

  /** To be called when Kong or the bundles have changed. */
  reset(): void {
    this.#subjects = null;
    this.#kong = null;
    this.#kongByName = null;
    this.#places = null;
    this.#bare = null;
    this.#far.clear();
    this.#ends.clear();
  }

  /** Name of the issuer at the end of a chain; null: the chain is complete. */
  missing(reach: Reach): string | null {
    return this.endOf(reach).missing;
  }

  /** The issuer that a warning should name; null: none is due. */
  openEnd(reach: Reach): string | null {
    return this.endOf(reach).openEnd;
  }

  private endOf(reach: Reach): { missing: string | null; openEnd: string | null } {
    const known = this.#ends.get(reach);
    if (known !== undefined) return known;
    const end = { missing: missingIssuer(reach, this.isRoot), openEnd: openEndOf(reach, this.isRoot) };
    this.#ends.set(reach, end);
    return end;
  }

  /** Whether any certificate with this subject is known. */
  knows(subject: string): boolean {
    this.#subjects ??= new Set([...this.reaches()].flatMap(({ issuers }) => issuers.slice(0, -1)));
    return this.#subjects.has(subject);
  }

  /** Whether the issuer that is missing at a chain's end is known. */
  mayGoOn(reach: Reach): boolean {
    const { missing } = this.endOf(reach);
    return missing !== null && this.knows(missing);
  }

  /** Whether Kong serves leaves of this issuer without any intermediates: clients have those. */
  isUsuallyBare(issuer: string): boolean {
    this.#bare ??= new Set(
      [...this.storedReaches()].flatMap(({ certificates, issuers }) =>
        certificates.length === 0 ? issuers : [],
      ),
    );
    return this.#bare.has(issuer);
  }

  /** Adds missing intermediates, as far as they are found: first from Kong, then from other bundles of the source. */
  complete(opened: OpenedBundle, source: Source): OpenedBundle {
    const missing = this.missing(opened.bundle.reach);
    if (missing === null || !this.knows(missing)) return opened;
    const near = [this.ofKong(opened.bundle), this.ofPlace(source, opened.bundle)];
    const found = this.completeFrom(opened, near);
    if (!this.options.isShared || this.missing(found.bundle.reach) === null) return found;
    // Certificates from elsewhere count where signatures lead from them to a known root: nobody can forge that.
    const far = this.completeFrom(found, [this.far(source)]);
    return this.isProven(far.chain) ? far : found;
  }

  /** Others may hold forged namesakes of an issuer, which would hide the true one. */
  private far(source: Source): BySubject {
    const known = this.#far.get(source);
    if (known !== undefined) return known;
    const places = [...(this.places().get(source)?.values() ?? [])];
    const reaches = [...this.storedReaches(), ...places.flatMap((own) => [...own].slice(0, MOST_OF_A_PLACE))];
    const proven = [...new Set(reaches)].flatMap((reach) => {
      const above = certificatesOf(reach);
      return above.filter((_, at) => this.isProven(above.slice(at)));
    });
    const far = bySubject(proven);
    this.#far.set(source, far);
    return far;
  }

  private isProven(chain: readonly ParsedCertificate[]): boolean {
    const { now, trusted } = this.options;
    return [PUBLIC_ROOTS, trusted()].some((roots) => leadsTo(roots, chain, now()));
  }

  private completeFrom(opened: OpenedBundle, places: readonly BySubject[]): OpenedBundle {
    const find = (subject: string) => places.flatMap((place) => place.get(subject) ?? []);
    return complete(opened, find, this.isRoot, this.options.now());
  }

  private readonly isRoot: IsRoot = (subject) =>
    isPublicRoot(subject) || this.options.trusted().named(subject).length > 0;

  private ofKong({ leaf }: Bundle): BySubject {
    if (!this.options.isShared) return this.kong();
    if (this.#kongByName === null) {
      this.#kongByName = new Map();
      for (const { main, alt } of this.options.stored())
        for (const half of [main, alt])
          for (const name of half?.leaf?.names ?? []) push(this.#kongByName, name, half?.reach as Reach);
    }
    return index(leaf.names.flatMap((name) => this.#kongByName?.get(name) ?? []));
  }

  private kong(): BySubject {
    this.#kong ??= index(this.storedReaches());
    return this.#kong;
  }

  private ofPlace(source: Source, bundle: Bundle): BySubject {
    return index(this.places().get(source)?.get(placeOf(source, bundle)) ?? []);
  }

  private places(): ReadonlyMap<Source, ReadonlyMap<string, ReadonlySet<Reach>>> {
    if (this.#places !== null) return this.#places;
    const places = new Map<Source, Map<string, Set<Reach>>>();
    for (const { source, known } of this.options.entries()) {
      if (isRefusal(known) || known.reach.certificates.length === 0) continue;
      let own = places.get(source);
      if (own === undefined) places.set(source, (own = new Map<string, Set<Reach>>()));
      const place = placeOf(source, known);
      const reaches = own.get(place);
      if (reaches === undefined) own.set(place, new Set([known.reach]));
      else reaches.add(known.reach);
    }
    this.#places = places;
    return places;
  }

  private *storedReaches(): Iterable<Reach> {
    for (const { main, alt } of this.options.stored()) {
      yield main.reach;
      if (alt !== null) yield alt.reach;
    }
  }

  /** Each once: thousands of certificates share a few. */
  private reaches(): ReadonlySet<Reach> {
    const found = new Set<Reach>();
    let last: Reach | null = null;
    for (const reach of this.everyReach()) {
      if (reach !== last) found.add(reach);
      last = reach;
    }
    return found;
  }

  private *everyReach(): Iterable<Reach> {
    yield* this.storedReaches();
    for (const { known } of this.options.entries()) if (!isRefusal(known)) yield known.reach;
  }
}

const placeOf = ({ ownership }: Source, { secret }: Pick<Bundle, 'secret'>): string =>
  ownership === 'tenants' ? (secret?.namespace ?? '') : '';

/** Parsed once: the chains of thousands of leaves are few. */
const parsed = new WeakMap<Reach, readonly ParsedCertificate[]>();

function certificatesOf(reach: Reach): readonly ParsedCertificate[] {
  const known = parsed.get(reach);
  if (known !== undefined) return known;
  const certificates = reach.certificates.map((der) => parseCertificate(Buffer.from(der)));
  parsed.set(reach, certificates);
  return certificates;
}

const index = (reaches: Iterable<Reach>): BySubject =>
  bySubject([...new Set(reaches)].flatMap((reach) => certificatesOf(reach)));

function bySubject(certificates: Iterable<ParsedCertificate>): BySubject {
  const found = new Map<string, ParsedCertificate>();
  for (const certificate of certificates) found.set(certificate.info.fingerprint, certificate);
  if (found.size === 0) return NONE;
  const subjects = new Map<string, ParsedCertificate[]>();
  // Sorted, so that the order of discovery does not matter.
  for (const [, certificate] of [...found].sort(([a], [b]) => (a < b ? -1 : 1)))
    push(subjects, certificate.subject, certificate);
  return subjects;
}
