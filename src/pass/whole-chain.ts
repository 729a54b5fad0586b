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
import type { Entry } from './entries';

export interface WholeChainOptions {
  /** What Kong stores. */
  stored: () => Iterable<StoredCertificate>;
  entries: () => Iterable<Entry>;
  /** CAs that the operator vouches for, beside the public ones. */
  trusted: () => IssuerSet;
  /** Bundles of tenants are among the sources: who writes one must not be able to spoil another's chain. */
  isShared: boolean;
  now: () => number;
}

/** Certificates by whom they are. */
type BySubject = ReadonlyMap<string, readonly ParsedCertificate[]>;

const NONE: BySubject = new Map();

/** Chains that Kong or other bundles have, to complete those that end early. Looked up only where one does. */
export class WholeChains {
  #subjects: ReadonlySet<string> | null = null;
  #kong: BySubject | null = null;
  /** Of Kong's certificates that have a name. */
  #kongByName: Map<string, Reach[]> | null = null;
  /** By source, and by namespace for sources of tenants. */
  #places: ReadonlyMap<Source, ReadonlyMap<string, ReadonlySet<Reach>>> | null = null;
  #bare: ReadonlySet<string> | null = null;
  /** Ends of chains, which thousands of bundles share. */
  readonly #ends = new Map<Reach, { missing: string | null; openEnd: string | null }>();

  constructor(private readonly options: WholeChainOptions) {}

  /** What Kong or the bundles have is no longer what it was. */
  reset(): void {
    this.#subjects = null;
    this.#kong = null;
    this.#kongByName = null;
    this.#places = null;
    this.#bare = null;
    this.#ends.clear();
  }

  /** Name of the issuer at the end of a chain; null: the chain is whole. */
  missing(reach: Reach): string | null {
    return this.endOf(reach).missing;
  }

  /** Whom a warning names; null: none is due. */
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

  /** Whether anybody has a certificate of this name. */
  knows(subject: string): boolean {
    this.#subjects ??= new Set([...this.reaches()].flatMap(({ issuers }) => issuers.slice(0, -1)));
    return this.#subjects.has(subject);
  }

  /** Whether Kong serves leaves of this issuer without anything behind them: clients have it. */
  isUsuallyBare(issuer: string): boolean {
    this.#bare ??= new Set(
      [...this.storedReaches()].flatMap(({ certificates, issuers }) =>
        certificates.length === 0 ? issuers : [],
      ),
    );
    return this.#bare.has(issuer);
  }

  /** Adds what is missing, as far as it is found: first what Kong has, then other bundles of the source. */
  complete(opened: OpenedBundle, source: Source): OpenedBundle {
    const missing = this.missing(opened.bundle.reach);
    if (missing === null || !this.knows(missing)) return opened;
    const near = [this.ofKong(opened.bundle), this.ofPlace(source, opened.bundle)];
    const found = this.completeFrom(opened, near);
    if (!this.options.isShared || this.missing(found.bundle.reach) === null) return found;
    // What others brought counts where signatures lead from it to a known root: nobody can forge that.
    const far = this.completeFrom(found, [this.kong(), ...this.everyPlace(source)]);
    const { now, trusted } = this.options;
    const isProven = [PUBLIC_ROOTS, trusted()].some((roots) => leadsTo(roots, far.chain, now()));
    return isProven ? far : found;
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

  private everyPlace(source: Source): BySubject[] {
    return [...(this.places().get(source)?.values() ?? [])].map((reaches) => index(reaches));
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

  private *reaches(): Iterable<Reach> {
    yield* new Set(this.storedReaches());
    for (const places of this.places().values()) for (const reaches of places.values()) yield* reaches;
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

function index(reaches: Iterable<Reach>): BySubject {
  const found = new Map<string, ParsedCertificate>();
  for (const reach of new Set(reaches))
    for (const certificate of certificatesOf(reach)) found.set(certificate.info.fingerprint, certificate);
  if (found.size === 0) return NONE;
  const bySubject = new Map<string, ParsedCertificate[]>();
  // In one order, whatever was seen first.
  for (const [, certificate] of [...found].sort(([a], [b]) => (a < b ? -1 : 1)))
    push(bySubject, certificate.subject, certificate);
  return bySubject;
}
