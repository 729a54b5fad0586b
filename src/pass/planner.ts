import {
  checkKeyAndChain,
  isPublicRoot,
  NO_ISSUERS,
  storedHalfOf,
  toPem,
  toPemAsFound,
  type IssuerSet,
} from '../certificates';
import { Slices } from '../common/slices';
import {
  compareAge,
  isRefusal,
  ownerOf,
  type CertificateStore,
  type Change,
  type Gateway,
  type GatewayTraits,
  type Plan,
  type Prepare,
  type SourcedBundle,
  type StoredCertificate,
} from '../model';
import { HomeBook, makePlan, sameNames } from '../plan';
import type { ProgressListener } from './step';
import { Questions } from './questions';
import type { RefusedBundles } from './refused-bundles';
import type { Shares } from './shares';
import type { BundleBook } from './bundle-book';
import type { BundleReader, BundleScan } from './bundle-reader';

interface PlannerOptions {
  gateway: {
    traits: Pick<GatewayTraits, 'writesWhole'>;
    hasController: Gateway['hasController'];
    certificates: Pick<CertificateStore, 'stored' | 'readTexts'>;
  };
  allowDowngrade: boolean;
  /** Whether to add names to certificates of others, too; default: false. */
  addNames?: boolean;
  /** CAs that the operator trusts, beside the public ones; default: none. */
  trustedIssuers?: () => IssuerSet;
  /** Homes known from an earlier process; default: none. */
  homes?: HomeBook;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Answers to questions may raise further ones, but not many. */
const ROUNDS = 4;

/** Makes plans from the bundle book and Kong's certificates, and notes which bundles the gate refuses. */
export class Planner {
  readonly #book: BundleBook;
  /** Homes of Kong's certificates. */
  readonly homes: HomeBook;
  readonly #questions: Questions;
  #isPartial = false;
  /** Contents that passed the whole gate without needing a write, by bundle id. */
  readonly #checked = new Map<string, string>();
  /** Stays true once a controller was observed; it may have no certificate at times. */
  #isControllerThere = false;
  /** Names that resources of the clusters request; null: unknown. */
  #asked: ReadonlyMap<string, string> | null = null;
  /** Ids of certificates of the ingress controller without its tags. */
  readonly untagged = new Set<string>();
  /** Length of the texts of each bundle whose creation was announced, by its id. */
  readonly #sizes = new Map<string, number>();

  constructor(
    private readonly reader: BundleReader,
    private readonly refused: RefusedBundles,
    private readonly options: PlannerOptions,
  ) {
    this.#book = reader.book;
    this.#questions = new Questions(reader, options.gateway.certificates, refused, options.now);
    this.homes = options.homes ?? new HomeBook();
  }

  /** Reads a bundle again and puts it through the whole gate. */
  readonly prepare: Prepare = async (change) => {
    const opened = await this.reader.open(change.bundle);
    if (isRefusal(opened)) return opened;
    const why = this.reader.openedAhead.check(opened);
    if (why !== null) return why;
    const isOfController = change.kind === 'update' ? change.isOfController : change.handsOver === true;
    if (isOfController) return toPemAsFound(opened);
    const half = storedHalfOf(opened);
    return { ...toPem(opened), ...(half === null ? {} : { half }) };
  };

  /** Whether the last plan of everything left out what was beyond a tenant's share; the next one goes on with it. */
  get isPartial(): boolean {
    return this.#isPartial;
  }

  /** Plans for everything. A bundle counts as in step only if its own key fits as well. */
  async whole(): Promise<Plan> {
    this.#questions.evidence.askAgain();
    const shares = this.reader.newShares();
    let plan = this.plan();
    if (await this.isOutdatedByKeys(plan, shares)) plan = this.plan();
    if (await this.isOutdatedByController(plan)) plan = this.plan();
    for (let round = 1; round < ROUNDS && plan.questions.length > 0; round++) {
      if (!(await this.#questions.answer(plan.questions, shares))) break;
      plan = this.plan();
    }
    if (this.#questions.isAnyGivenUp(plan.questions)) plan = this.plan();
    this.#isPartial = shares.isExceeded;
    this.homes.note(plan.observed.splice(0));
    return plan;
  }

  /**
   * @returns whether the key check changes the plan: a bundle whose chain Kong has has another key, or a tenant's
   * has the right one
   */
  private async isOutdatedByKeys(plan: Plan, shares: Shares): Promise<boolean> {
    let isOutdated = false;
    const slices = new Slices();
    for (const bundle of [...plan.unchecked, ...this.brokenForController(plan)]) {
      if (slices.due) await slices.pause();
      if (this.#checked.get(bundle.id) === bundle.content || shares.isSpent(ownerOf(bundle))) continue;
      const begin = shares.begin();
      const opened = await this.reader.open(bundle);
      const why = isRefusal(opened) ? opened : checkKeyAndChain(opened);
      shares.end(ownerOf(bundle), begin);
      // A refused one stays unchecked, even when refusals are forgotten.
      if (why === null) this.#checked.set(bundle.id, bundle.content);
      else this.refused.add(bundle, why);
      if (why !== null || bundle.ownership === 'tenants') isOutdated = true;
    }
    return isOutdated;
  }

  /** @returns whether an ingress controller has appeared, or resources request other names */
  private async isOutdatedByController(plan: Plan): Promise<boolean> {
    const { gateway } = this.options;
    for (const id of plan.untagged) this.untagged.add(id);
    for (const id of this.untagged) if (!gateway.certificates.stored.has(id)) this.untagged.delete(id);
    const wasThere = plan.isBesideController;
    // Without certificates and plans to create any, this plugin does not block a controller.
    if (!wasThere && !this.isInTheWay(plan)) return false;
    this.#isControllerThere ||= wasThere || (await gateway.hasController().catch(() => false));
    if (!this.#isControllerThere) return false;
    const before = this.#asked;
    const isWorthAsking = !gateway.traits.writesWhole && this.isInTheWay(plan);
    this.#asked = isWorthAsking ? await this.reader.sources.asked() : null;
    return !wasThere || !isSameMap(before, this.#asked);
  }

  /**
   * Whether a certificate of ours is in Kong, is about to be created, or would be if no controller could want its
   * names.
   */
  private isInTheWay({ changes }: Plan): boolean {
    if (changes.some(({ kind }) => kind === 'create')) return true;
    for (const { owner } of this.options.gateway.certificates.stored.values())
      if (owner === 'us') return true;
    return this.reader.sources.createsExplicitly;
  }

  /**
   * Bundles that the ingress controller may find broken: it would then remove them from Kong, and no write would
   * ever show it.
   */
  private brokenForController({ isBesideController, changes, unused }: Plan): SourcedBundle[] {
    if (!isBesideController) return [];
    const left = changes.flatMap((change) =>
      change.kind === 'update' && change.isOfController ? [change.bundle] : [],
    );
    const lost = this.homes.namesAt(new Set(unused.filter((id) => this.#book.isOfCluster(id))));
    return [...left, ...[...lost.keys()].flatMap((id) => this.#book.get(id) ?? [])];
  }

  /**
   * A plan for a few bundles that were renewed with the same names, and for the certificates that had them: being
   * newer, each is still the best for those. A plan for everything follows.
   * @returns null where it is not that simple
   */
  few({ differing }: BundleScan, last: Plan | null): Plan | null {
    const certificates = new Map<string, StoredCertificate>();
    const bundles: SourcedBundle[] = [];
    for (const [id, before] of differing) {
      const bundle = this.#book.get(id);
      const holders = last?.inSync.get(id);
      if (before === null || bundle === null || holders === undefined) return null;
      if (compareAge(bundle.leaf, before.leaf) <= 0 || !sameNames(bundle.leaf.names, before.leaf.names))
        return null;
      bundles.push(bundle);
      for (const holder of holders) {
        const certificate = this.options.gateway.certificates.stored.get(holder);
        if (certificate === undefined) return null;
        certificates.set(holder, certificate);
      }
    }
    if (bundles.length === 0) return null;
    const plan = this.plan(bundles, certificates);
    // Free names are only known where every certificate is considered.
    const isNaming = (change: Change) =>
      change.kind === 'create' || change.addSnis.length > 0 || change.split !== undefined;
    return plan.questions.length > 0 || plan.changes.some(isNaming) ? null : plan;
  }

  /** A plan of changes that would pass the whole gate: nothing is announced that would then be refused. */
  async announceable(plan: Plan, progress?: ProgressListener): Promise<Plan> {
    let isOutdated = false;
    progress?.begin('check', plan.changes.length);
    for (const change of plan.changes) {
      progress?.step();
      const { id, content } = change.bundle;
      if (this.#checked.get(id) === content) continue;
      const fresh = await this.prepare(change);
      if (!isRefusal(fresh)) {
        this.#checked.set(id, content);
        if (change.kind === 'create') this.#sizes.set(id, fresh.cert.length + fresh.key.length);
      } else if (this.refused.add(change.bundle, fresh)) isOutdated = true;
    }
    return isOutdated ? this.announceable(await this.whole(), progress) : plan;
  }

  /** Characters of certificates and keys that an announced plan adds to Kong. */
  addedBy({ changes }: Plan): number {
    return changes.reduce(
      (sum, { kind, bundle }) => sum + (kind === 'create' ? (this.#sizes.get(bundle.id) ?? 0) : 0),
      0,
    );
  }

  private plan(
    bundles: Iterable<SourcedBundle> = this.#book.bundles(),
    certificates = this.options.gateway.certificates.stored,
  ): Plan {
    const { gateway, addNames = false, trustedIssuers, allowDowngrade, now } = this.options;
    const trusted = trustedIssuers?.() ?? NO_ISSUERS;
    this.#questions.evidence.trust(trusted);
    const plan = makePlan({
      bundles,
      certificates,
      now: now(),
      allowDowngrade,
      addNames,
      isRoot: (subject) => isPublicRoot(subject) || trusted.named(subject).length > 0,
      homes: this.homes,
      checked: this.#checked,
      away: this.reader.sources.away,
      evidence: this.#questions.evidence,
      controller: {
        isThere: this.#isControllerThere,
        asked: this.#asked,
        keepsOthers: !gateway.traits.writesWhole,
        certificates: this.untagged,
      },
      broken: [...this.#book.broken()],
      barred: this.refused.standing(),
    });
    for (const [id, why] of this.#book.refused()) plan.refused.set(id, why);
    return plan;
  }
}

function isSameMap(a: ReadonlyMap<string, string> | null, b: ReadonlyMap<string, string> | null): boolean {
  if (a === null || b === null) return a === b;
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
