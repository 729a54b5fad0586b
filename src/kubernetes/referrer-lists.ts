import type { Refusal } from '../model';
import type { KubernetesClient, KubernetesError } from './client';
import { ListWatch } from './list-watch';
import {
  factsOf,
  GRANTS,
  REFERRER_KINDS,
  ROUTES,
  type Collection,
  type Reference,
  type Referrer,
  type ReferrerFacts,
  type ReferrerKind,
} from './referrers';
import { missingVerb, placeOf, trouble } from './trouble';

/** Objects of one kind in one place. */
interface Followed {
  /** Null: it does not refer to Secrets itself. */
  kind: ReferrerKind | null;
  plural: string;
  namespace: string | null;
  /** One for each version of the API; the first that the API server knows counts. */
  scopes: readonly ListWatch<Referrer>[];
  objects: Map<string, ReferrerFacts>;
}

/** An installed CRD adds kinds, so the API server is asked for its kinds again after this time. */
const DISCOVERY_MS = 600_000;

/** Most hosts and references of one namespace among all; what is beyond them asks for nothing. */
const MOST_OF_A_NAMESPACE = 50_000;

/** Lists and watches the objects that refer to Secrets, and the grants and routes that they depend on. */
export class ReferrerLists {
  #followed: Followed[] = [];
  #namespaces: readonly (string | null)[] = [];
  /** By path of an API: the kinds that the API server has there. */
  readonly #served = new Map<string, { plurals: Promise<ReadonlySet<string> | null>; until: number }>();
  /** Number of hosts and references, by namespace. */
  readonly #sizes = new Map<string, number>();
  /** Namespaces of objects that are beyond the limit, by kind and object. */
  readonly #cut = new Map<string, string>();
  #watch: { touched: () => void; signal: AbortSignal } | null = null;

  /** @param changed called when something changed that matters here */
  constructor(
    private readonly client: KubernetesClient,
    private readonly changed: () => void,
  ) {}

  /**
   * Brings it up to date.
   * @param namespaces null: all of them
   * @param errors gets what cannot be listed
   * @returns whether a kind that refers to Secrets cannot be seen
   */
  async refresh(namespaces: readonly (string | null)[], errors: Refusal[]): Promise<boolean> {
    const wanted = [...new Set(namespaces)];
    if (wanted.join() !== this.#namespaces.join() || wanted.length !== this.#namespaces.length) {
      this.#namespaces = wanted;
      this.#followed = [];
      this.#sizes.clear();
      this.#cut.clear();
      for (const kind of REFERRER_KINDS) this.follow(kind, kind);
    }
    const isBlind = await this.refreshAll(this.#followed, errors);
    const before = this.#followed.length;
    for (const one of this.needed())
      if (!this.#followed.some(({ plural }) => plural === one.plural)) this.follow(null, one);
    await this.refreshAll(this.#followed.slice(before), errors);
    return isBlind;
  }

  /** Long watches of everything that is followed, now and later. */
  watch(touched: () => void, signal: AbortSignal): void {
    this.#watch = { touched, signal };
    for (const followed of this.#followed) this.watchOne(followed);
  }

  /** Namespaces whose objects ask for more hosts than are looked at. */
  get crowded(): ReadonlySet<string> {
    return new Set(this.#cut.values());
  }

  /** Objects that may refer to Secrets. */
  referrers(): { kind: ReferrerKind; item: ReferrerFacts }[] {
    return this.#followed.flatMap(({ kind, objects }) =>
      kind === null ? [] : [...objects.values()].map((item) => ({ kind, item })),
    );
  }

  objectsOf(plural: string): ReferrerFacts[] {
    return this.#followed.flatMap((one) => (one.plural === plural ? [...one.objects.values()] : []));
  }

  /** Further kinds that are to be listed, which takes one more right each. */
  private needed(): Collection[] {
    const all = this.referrers().map(({ item }) => item);
    const needs = (test: (reference: Reference, item: ReferrerFacts) => boolean) =>
      all.some((item) => item.references.some((reference) => test(reference, item)));
    return [
      ...(needs(({ namespace }, { metadata }) => namespace !== metadata.namespace) ? [GRANTS] : []),
      ...(needs(({ listener }) => listener !== undefined) ? ROUTES : []),
    ];
  }

  private follow(kind: ReferrerKind | null, { apis, plural }: Collection): void {
    const all = { name: null, fieldSelector: null, labelSelector: null };
    for (const namespace of this.#namespaces) {
      const scopes = apis.map(
        (api) => new ListWatch<Referrer>({ client: this.client, api, plural, namespace, ...all }),
      );
      const followed = { kind, plural, namespace, scopes, objects: new Map<string, ReferrerFacts>() };
      this.#followed.push(followed);
      this.watchOne(followed);
    }
  }

  private watchOne(followed: Followed): void {
    if (this.#watch === null) return;
    const { touched, signal } = this.#watch;
    for (const scope of followed.scopes) {
      void scope.watch((key, item) => {
        if (this.apply(followed, key, item)) touched();
      }, signal);
    }
  }

  /** @returns whether something changed that matters here */
  private apply(followed: Followed, key: string, item: Referrer | null): boolean {
    const { kind, objects } = followed;
    const before = objects.get(key);
    const whole = item === null ? undefined : factsOf(item, kind);
    const facts =
      followed.namespace === null ? this.limited(`${followed.plural} ${key}`, before, whole) : whole;
    if (facts === undefined) objects.delete(key);
    else objects.set(key, facts);
    // Most changes are of a status.
    if (JSON.stringify(before) === JSON.stringify(facts)) return false;
    this.changed();
    return true;
  }

  /** The facts without what is beyond the limit of their namespace: a tenant has room of its own alone. */
  private limited(
    key: string,
    before: ReferrerFacts | undefined,
    facts: ReferrerFacts | undefined,
  ): ReferrerFacts | undefined {
    this.#cut.delete(key);
    const namespace = (facts ?? before)?.metadata.namespace ?? '';
    const others = (this.#sizes.get(namespace) ?? 0) - sizeOf(before);
    const isTooMuch = facts !== undefined && others + sizeOf(facts) > MOST_OF_A_NAMESPACE;
    const kept = isTooMuch ? { metadata: facts.metadata, references: [] } : facts;
    if (isTooMuch) this.#cut.set(key, namespace);
    this.#sizes.set(namespace, others + sizeOf(kept));
    return kept;
  }

  /** @returns whether a kind that refers to Secrets cannot be seen */
  private async refreshAll(followed: readonly Followed[], errors: Refusal[]): Promise<boolean> {
    const seen = await Promise.all(followed.map((one) => this.refreshOne(one, errors)));
    return seen.includes(false);
  }

  private async refreshOne(followed: Followed, errors: Refusal[]): Promise<boolean> {
    const { kind, plural, namespace } = followed;
    const what = `${plural} in ${placeOf(namespace)}`;
    for (const scope of followed.scopes) {
      const served = await this.servedAt(scope.api);
      if (served !== null && !served.has(plural)) continue;
      try {
        await scope.refresh((key, item) => this.apply(followed, key, item));
        if (scope.isBlind) errors.push(missingVerb('watch', what, 'every poll lists them all instead'));
        return true;
      } catch (error) {
        const { status } = error as Partial<KubernetesError>;
        if (status === 404) continue;
        if (status === 403 && kind?.isOptional === true) continue;
        const effect = effectOf(kind, plural);
        errors.push(status === 403 ? missingVerb('list', what, effect) : trouble(error, 'list', what));
        return kind === null;
      }
    }
    return true;
  }

  /**
   * Finds the kinds of an API. Without the right to list, a missing kind gets the same 403 as an existing one.
   * @returns null: not known
   */
  private servedAt(api: string): Promise<ReadonlySet<string> | null> {
    const known = this.#served.get(api);
    if (known !== undefined && known.until > performance.now()) return known.plurals;
    const plurals = this.discover(api);
    this.#served.set(api, { plurals, until: performance.now() + DISCOVERY_MS });
    return plurals;
  }

  private async discover(api: string): Promise<ReadonlySet<string> | null> {
    try {
      const { resources } = await this.client.get<{ resources?: { name?: string }[] }>(api);
      return new Set((resources ?? []).map(({ name = '' }) => name));
    } catch (error) {
      if ((error as Partial<KubernetesError>).status === 404) return new Set();
      // It is asked again with the next poll.
      this.#served.delete(api);
      return null;
    }
  }
}

/** Hosts and references of an object. */
function sizeOf(facts: ReferrerFacts | undefined): number {
  if (facts === undefined) return 0;
  const { references, spec } = facts;
  const hosts = references.reduce((sum, reference) => sum + 1 + (reference.hosts?.length ?? 0), 0);
  const lists = [spec?.hostnames, spec?.parentRefs, spec?.from, spec?.to];
  return hosts + lists.reduce((sum, list) => sum + (list?.length ?? 0), 0);
}

function effectOf(kind: ReferrerKind | null, plural: string): string {
  if (kind !== null)
    return 'certificates without another reference get every name of their leaf (hosts: references)';
  return plural === GRANTS.plural
    ? 'references to Secrets of other namespaces are not followed'
    : 'a listener without a hostname counts as one for every host';
}
