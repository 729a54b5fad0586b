import { asSnis, checkShape } from '../certificates';
import type { SniMove, SourcedBundle, StoredCertificate } from '../model';
import { certificateIdOf, isForServers } from './bundle-index';
import { Claimants, snisOf } from './claimants';
import { claimsOf, isMainAbandoned, outranks, refusedByContinuity } from './claims';
import type { Decision } from './decide';
import { endOf } from './leaf-times';
import { moveFirst, moveFrom } from './moves';
import { covers, includesName } from './names';
import { noteLeftBehind, notePartial } from './partial';
import {
  besideController,
  caOfIssuer,
  gainedNames,
  nameOfAnother,
  noNames,
  notForServers,
} from './sentences';
import { belongsToAnother, wildcardsOf } from './taken';
import type { Update } from './target';
import { withTwin } from './twins';
import type { World } from './world';

/** A bundle that wants names, and the certificate to get them; null: a new one. */
interface Claim {
  bundle: SourcedBundle;
  certificate: StoredCertificate | null;
  names: readonly string[];
}

/** Names that a claim gets: free ones, and some of other certificates of ours. */
interface Share {
  snis: string[];
  moveSnis: SniMove[];
}

/**
 * Assigns, one by one, the names that no certificate in Kong has and those that certificates of ours lose: to the
 * certificate of a bundle, or to a new one.
 */
export class Naming {
  /** Recipients of the names that this plan assigns. */
  readonly #given = new Map<string, SourcedBundle>();
  /** Names of certificates of ours that may move. */
  readonly #movable = new Map<string, StoredCertificate>();
  /** Names of other owners that a bundle wants, by bundle. */
  readonly #others = new Map<SourcedBundle, string[]>();
  /** Names that a bundle does not get because of an ingress controller. */
  readonly #withheld = new Map<SourcedBundle, string[]>();
  readonly #placed = new Set<SourcedBundle>();
  /** Names that wait for the answer to a question. */
  readonly #waiting = new Set<string>();
  readonly #claimants: Claimants;
  readonly #claims: readonly Claim[];

  /**
   * @param mains decision about the first half of each certificate, by its id
   * @param livingAlts ids of certificates whose second half has a bundle
   */
  constructor(
    private readonly world: World,
    private readonly mains: ReadonlyMap<string, Decision>,
    private readonly livingAlts: ReadonlySet<string>,
  ) {
    this.noteMovable();
    this.#claims = this.findClaims();
    this.#claimants = new Claimants(
      world,
      this.#claims.map(({ bundle }) => bundle),
    );
  }

  /** Adds the changes to the plan, and notes on bundles that get nothing. */
  run(): void {
    const { compare } = this.#claimants;
    for (const { bundle, names } of this.#claims) {
      if (!this.#claimants.isOpen(bundle)) continue;
      for (const name of names) this.#waiting.add(name);
    }
    const claims = [...this.#claims].sort((a, b) => compare(a.bundle, b.bundle));
    for (const claim of claims) if (!this.#placed.has(claim.bundle)) this.serve(claim);
    this.concludeAll();
    moveFirst(this.world.plan.changes);
  }

  /** Collects names that a renewal lost, and those of certificates that only keep them until their end. */
  private noteMovable(): void {
    const { certificates, plan } = this.world;
    for (const change of plan.changes) {
      if (change.kind === 'create' || change.split === undefined) continue;
      for (const name of change.split.snis) this.#movable.set(name, change.certificate);
    }
    for (const certificate of certificates.values()) {
      if (certificate.owner !== 'us' || this.mains.get(certificate.id)?.bundle != null) continue;
      const isAbandoned = isMainAbandoned(this.world, certificate, this.livingAlts.has(certificate.id));
      if (certificate.isPrevious !== true && !isAbandoned) continue;
      for (const name of certificate.snis) this.#movable.set(name, certificate);
    }
  }

  private findClaims(): Claim[] {
    const { index, certificates, used, holders } = this.world;
    const claims: Claim[] = [];
    const isAnyOurs = [...certificates.values()].some(({ owner }) => owner === 'us');
    for (const bundle of index.bundles) {
      if (!bundle.create || bundle.hosts?.length === 0) continue;
      const others = bundle.hosts === undefined ? used.get(bundle) : null;
      // Looked up only where needed: an id costs a digest.
      const own = isAnyOurs || others == null ? certificates.get(certificateIdOf(bundle)) : undefined;
      if (own !== undefined) {
        if (own.owner !== 'us' || this.mains.get(own.id)?.bundle !== bundle || bundle.snis !== undefined)
          continue;
        const names = snisOf(bundle).filter((name) => !includesName(own.snis, name));
        if (names.length > 0) claims.push({ bundle, certificate: own, names });
        continue;
      }
      if (others == null) claims.push({ bundle, certificate: null, names: snisOf(bundle) });
      else {
        this.noteGained(bundle, others, claims);
        const names = snisOf(bundle).filter((name) => this.isEnded(holders.get(name)));
        if (names.length > 0) claims.push({ bundle, certificate: null, names });
      }
    }
    return claims;
  }

  /**
   * A certificate of another owner has fewer SNIs than its leaf has names: only the owner knows whether they are
   * wanted.
   */
  private noteGained(bundle: SourcedBundle, certificate: StoredCertificate, claims: Claim[]): void {
    if (certificate.owner !== 'other' || certificate.snis.length === 0) return;
    const gained = asSnis(bundle.leaf.names.filter((name) => !includesName(certificate.snis, name)));
    if (gained.length === 0 || this.world.secretOf(certificate) !== undefined) return;
    const { holders, input, plan } = this.world;
    const names = gained.filter((name) => !holders.has(name));
    if (names.length === 0) return;
    if (input.addNames === true) claims.push({ bundle, certificate, names });
    else {
      plan.notes.set(bundle.id, gainedNames(bundle, certificate, names));
    }
  }

  private serve(claim: Claim): void {
    const { world } = this;
    const { plan } = world;
    const { bundle } = claim;
    const share = this.shareOf(claim);
    const names = [...share.snis, ...share.moveSnis.map(({ name }) => name)];
    if (names.length === 0 && (claim.names.length > 0 || claim.certificate !== null)) return;
    // Kong has it from a file, which is what clients get that send no name.
    if (claim.names.length === 0 && world.index.isOfKong(bundle)) return;
    const why =
      world.unfit(bundle) ??
      (claim.names.length === 0
        ? (checkShape(bundle, world.now) ?? noNames(bundle))
        : isForServers(bundle)
          ? null
          : notForServers(bundle));
    if (why !== null) {
      // cert-manager keeps an issuer's CA in a Secret of the same form.
      if (why.reason === 'ca_as_leaf' && bundle.secret !== undefined && bundle.hosts === undefined) {
        plan.notes.set(bundle.id, caOfIssuer(bundle));
        plan.quiet.add(bundle.id);
      } else if (!plan.refused.has(bundle.id)) plan.refused.set(bundle.id, why);
      return;
    }
    for (const name of names) this.#given.set(name, bundle);
    const changes = claim.certificate === null ? withTwin(world, bundle, lean(share)) : null;
    for (const change of changes ?? []) {
      plan.changes.push(change);
      this.#placed.add(change.bundle);
    }
    if (claim.certificate !== null) this.extend(claim.certificate, bundle, share);
    this.#placed.add(bundle);
  }

  private shareOf({ bundle, names }: Claim): Share {
    const share: Share = { snis: [], moveSnis: [] };
    for (const name of names) {
      if (this.#given.has(name) || this.isWaiting(name)) continue;
      const holder = this.world.holders.get(name);
      if (holder !== undefined && !this.isMovable(bundle, name, holder)) continue;
      if (belongsToAnother(this.world, this.#given, bundle, name)) push(this.#others, bundle, name);
      else if (holder?.owner !== 'us' && this.isLeftToController(bundle, name))
        push(this.#withheld, bundle, name);
      else if (holder === undefined) share.snis.push(name);
      else share.moveSnis.push(moveFrom(holder, name));
    }
    return share;
  }

  private isWaiting(name: string): boolean {
    return this.#waiting.size > 0 && [name, ...wildcardsOf(name)].some((one) => this.#waiting.has(one));
  }

  private isMovable(bundle: SourcedBundle, name: string, holder: StoredCertificate): boolean {
    if (!covers(bundle.leaf, name)) return false;
    if (holder.owner !== 'us')
      return this.isEnded(holder) && refusedByContinuity(this.world, bundle, holder, 'main') === null;
    const { homes } = claimsOf(this.world, holder, 'main');
    const rivals = homes.filter((home) => covers(home.leaf, name));
    if (rivals.length > 0 && rivals.every((home) => outranks(this.world, bundle, home))) return true;
    const isLeft = this.#movable.get(name) === holder || (homes.length > 0 && rivals.length === 0);
    if (!isLeft) return false;
    if (homes.includes(bundle)) return true;
    return refusedByContinuity(this.world, bundle, holder, 'main') === null;
  }

  /** Whether somebody else's certificate, which is not divided before, has nothing left to serve and gets nothing. */
  private isEnded(holder: StoredCertificate | undefined): boolean {
    const { world } = this;
    if (holder?.owner !== 'other') return false;
    const { id, main, alt } = holder;
    if (this.mains.get(id)?.bundle != null || this.livingAlts.has(id)) return false;
    return [main, alt].every((half) => {
      if (half === null) return true;
      if (half.leaf !== null) world.due(endOf(half.leaf));
      return half.leaf !== null && endOf(half.leaf) <= world.now;
    });
  }

  /** Adds names to an existing certificate: to its planned change, or as a change of its own. */
  private extend(certificate: StoredCertificate, bundle: SourcedBundle, { snis, moveSnis }: Share): void {
    const { plan } = this.world;
    const more = { addSnis: snis, ...(moveSnis.length === 0 ? {} : { moveSnis }) };
    const change = this.mains.get(certificate.id)?.change;
    if (change != null) {
      Object.assign(change, more);
      return;
    }
    const added: Update = {
      kind: 'update',
      bundle,
      certificate,
      half: 'main',
      isOfController: false,
      ...more,
    };
    // A renewal of its other half comes later: the two are written one after the other.
    plan.changes.unshift(added);
    const holders = plan.inSync.get(bundle.id)?.filter((id) => id !== certificate.id) ?? [];
    if (holders.length === 0) plan.inSync.delete(bundle.id);
    else plan.inSync.set(bundle.id, holders);
  }

  /**
   * Beside an ingress controller nothing is created: the controller's own certificate would fail the uniqueness
   * check, and without a database its next push removes ours.
   */
  private isLeftToController({ createIsExplicit, secret }: SourcedBundle, name: string): boolean {
    if (!this.world.hasController) return false;
    const { keepsOthers = false, asked = null } = this.world.input.controller ?? {};
    if (createIsExplicit !== true || !keepsOthers) return true;
    return asked === null ? secret !== undefined : asked.has(name);
  }

  private concludeAll(): void {
    const { index, used } = this.world;
    const left = index.bundles.filter(
      (bundle) => !used.has(bundle) || this.#others.has(bundle) || this.#withheld.has(bundle),
    );
    for (const bundle of left) this.conclude(bundle);
    noteLeftBehind(this.world, this.mains);
  }

  /** Notes on a bundle that no certificate has or gets. */
  private conclude(bundle: SourcedBundle): void {
    const { plan, index, used } = this.world;
    const others = this.#others.get(bundle);
    if (others !== undefined && !plan.refused.has(bundle.id)) {
      const why = nameOfAnother(bundle, others, null);
      if (this.#placed.has(bundle) || plan.inSync.has(bundle.id)) plan.notes.set(bundle.id, why.message);
      else plan.refused.set(bundle.id, why);
    }
    const withheld = this.#withheld.get(bundle);
    if (withheld !== undefined) {
      plan.notes.set(bundle.id, besideController(bundle, withheld));
      plan.quiet.add(bundle.id);
    }
    if (this.#placed.has(bundle) || used.has(bundle)) return;
    if (!plan.refused.has(bundle.id)) notePartial(this.world, this.mains, bundle);
    if (plan.refused.has(bundle.id)) return;
    // Kong itself reads this file: it is no news that no certificate needs it.
    const isAside = bundle.snis === undefined ? index.isOfKong(bundle) : !bundle.create;
    (isAside ? plan.aside : plan.unused).push(bundle.id);
  }
}

const lean = ({ snis, moveSnis }: Share) => (moveSnis.length === 0 ? { snis } : { snis, moveSnis });

function push(map: Map<SourcedBundle, string[]>, bundle: SourcedBundle, name: string): void {
  const names = map.get(bundle);
  if (names === undefined) map.set(bundle, [name]);
  else names.push(name);
}
