import type { Refusal } from '../model';
import { groupBy } from '../common/multimap';
import type { KubernetesClient, KubernetesError } from './client';
import { ListWatch } from './list-watch';
import {
  attachmentsOf,
  factsOf,
  GRANTS,
  grants,
  REFERRER_KINDS,
  ROUTES,
  type Attachment,
  type Collection,
  type ListenerRef,
  type Reference,
  type Referrer,
  type ReferrerFacts,
  type ReferrerKind,
} from './referrers';
import { missingVerb, placeOf, trouble } from './trouble';

/** For which hosts a Secret is asked for; null: for every one. */
type Hosts = readonly string[] | null;

/** The hosts of each Secret (`namespace/name`), and whether those of others are not known. */
interface Taken {
  hosts: ReadonlyMap<string, Hosts>;
  isBlind: boolean;
}

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

/** Which kinds there are changes when a CRD is installed; it is asked again after this. */
const DISCOVERY_MS = 600_000;

/**
 * For which hosts Ingresses, Gateways and ListenerSets refer to each Secret. Where several ask for one host with
 * different Secrets of a namespace, the oldest has it, as long as its Secret holds a certificate. Of two tenants both ask:
 * whoever was first to name somebody's host has no right to it yet.
 */
export class References {
  #followed: Followed[] = [];
  #namespaces: readonly (string | null)[] = [];
  /** By path of an API: the kinds that the API server has there. */
  readonly #served = new Map<string, { plurals: Promise<ReadonlySet<string> | null>; until: number }>();
  /** Some kind cannot be listed: whether a Secret is referred to is not known then. */
  #isBlind = false;
  #taken: Taken = { hosts: new Map(), isBlind: false };
  #isOutdated = true;
  #watch: { touched: () => void; signal: AbortSignal } | null = null;

  /** @param isThere whether a Secret (`namespace/name`) holds a certificate */
  constructor(
    private readonly client: KubernetesClient,
    private readonly isThere: (secret: string) => boolean,
  ) {}

  /** Brings it up to date; what cannot be listed is said in `errors`. @param namespaces null: all of them */
  async refresh(namespaces: readonly (string | null)[], errors: Refusal[]): Promise<void> {
    const wanted = [...new Set(namespaces)];
    if (wanted.join() !== this.#namespaces.join() || wanted.length !== this.#namespaces.length) {
      this.#namespaces = wanted;
      this.#followed = [];
      for (const kind of REFERRER_KINDS) this.follow(kind, kind);
    }
    const isBlind = await this.refreshAll(this.#followed, errors);
    const before = this.#followed.length;
    for (const hint of this.needed()) if (!this.isFollowed(hint)) this.follow(null, hint);
    await this.refreshAll(this.#followed.slice(before), errors);
    if (isBlind !== this.#isBlind) this.#isOutdated = true;
    this.#isBlind = isBlind;
  }

  /**
   * The hosts that a Secret is asked for, in small letters; empty: nothing refers to it. Null where every host is
   * meant, or where that cannot be known.
   */
  hostsOf(secret: string): Hosts {
    return hostsIn(this.#taken, secret);
  }

  /**
   * Every host that something asks for, with the Secret (`namespace/name`) of the oldest that does; `*`: every other
   * host. Null: that cannot be known.
   */
  get asked(): ReadonlyMap<string, string> | null {
    if (this.#isBlind) return null;
    const asked = new Map<string, string>();
    for (const { secret, hosts } of this.claims())
      for (const host of hosts ?? ['*'])
        if (!asked.has(host) && this.isThere(secret)) asked.set(host, secret);
    return asked;
  }

  /** A Secret came, went, or is a certificate now. */
  outdate(): void {
    this.#isOutdated = true;
  }

  /** Whether something changed since the last call. */
  takeNews(): boolean {
    const wasOutdated = this.#isOutdated;
    this.#isOutdated = false;
    return wasOutdated;
  }

  /** Secrets whose hosts have changed since the last call. @param known those that may be referred to by nothing */
  take(known: Iterable<string>): string[] {
    if (!this.takeNews()) return [];
    const before = this.#taken;
    this.#taken = { hosts: this.shared(), isBlind: this.#isBlind };
    const secrets = new Set([...before.hosts.keys(), ...this.#taken.hosts.keys()]);
    if (before.isBlind !== this.#isBlind) for (const secret of known) secrets.add(secret);
    return [...secrets].filter((secret) => !isSame(hostsIn(before, secret), this.hostsOf(secret)));
  }

  /** Long watches of everything that is followed, now and later. */
  watch(touched: () => void, signal: AbortSignal): void {
    this.#watch = { touched, signal };
    for (const followed of this.#followed) this.watchOne(followed);
  }

  /** What else has to be looked at, which is one more right each. */
  private needed(): Collection[] {
    const all = this.#followed.flatMap(({ objects }) => [...objects.values()]);
    const needs = (test: (reference: Reference, item: ReferrerFacts) => boolean) =>
      all.some((item) => item.references.some((reference) => test(reference, item)));
    return [
      ...(needs(({ namespace }, { metadata }) => namespace !== metadata.namespace) ? [GRANTS] : []),
      ...(needs(({ listener }) => listener !== undefined) ? ROUTES : []),
    ];
  }

  private isFollowed({ plural }: Collection): boolean {
    return this.#followed.some((one) => one.plural === plural);
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
  private apply({ kind, objects }: Followed, key: string, item: Referrer | null): boolean {
    const before = objects.get(key);
    const facts = item === null ? undefined : factsOf(item, kind);
    if (facts === undefined) objects.delete(key);
    else objects.set(key, facts);
    // Most changes are of a status.
    if (JSON.stringify(before) === JSON.stringify(facts)) return false;
    this.#isOutdated = true;
    return true;
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

  /** Who may not list a kind that there is not gets the same answer as for one that there is. @returns null: not known */
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

  /** What refers to Secrets, the oldest first. */
  private references(): (Reference & { from: string })[] {
    const granted = groupBy(this.objectsOf(GRANTS.plural), ({ metadata }) => metadata.namespace);
    const all = this.#followed.flatMap(({ kind, objects }) =>
      kind === null ? [] : [...objects.values()].map((item) => ({ kind, item })),
    );
    return all.sort(byAge).flatMap(({ kind, item }) =>
      item.references
        .filter((reference) => isGranted(granted.get(reference.namespace) ?? [], kind, item, reference))
        .map((reference) => ({
          ...reference,
          from: `${kind.kind} ${item.metadata.namespace}/${item.metadata.name}`,
        })),
    );
  }

  private objectsOf(plural: string): ReferrerFacts[] {
    return this.#followed.flatMap((one) => (one.plural === plural ? [...one.objects.values()] : []));
  }

  /** What asks for which Secret (`namespace/name`), the oldest first, with the hosts of routes. */
  private claims(): { namespace: string; secret: string; hosts: Hosts; from: string }[] {
    const routes = groupBy(
      ROUTES.flatMap(({ plural }) => this.objectsOf(plural)).flatMap(attachmentsOf),
      ({ parent }) => parent,
    );
    return this.references().map(({ namespace, secret, hosts, listener, from }) => ({
      namespace,
      secret: `${namespace}/${secret}`,
      hosts: listener === undefined ? hosts : hostsOfRoutes(routes, listener),
      from,
    }));
  }

  /** Each host goes to the Secret of the oldest that asks for it in the Secret's namespace. */
  private shared(): Map<string, Hosts> {
    /** Who has a host, by namespace and host. */
    const owners = new Map<string, string>();
    const found = new Map<string, Set<string> | null>();
    for (const { namespace, secret, hosts: wanted, from } of this.claims()) {
      if (wanted === null) {
        found.set(secret, null);
        continue;
      }
      const own = found.get(secret) ?? new Set<string>();
      for (const host of wanted) {
        const place = `${namespace} ${host}`;
        const owner = owners.get(place) ?? from;
        if (owner !== from && !own.has(host)) continue;
        if (this.isThere(secret)) owners.set(place, owner);
        own.add(host);
      }
      if (found.get(secret) !== null) found.set(secret, own);
    }
    return new Map([...found].map(([secret, hosts]) => [secret, hosts === null ? null : [...hosts].sort()]));
  }
}

/** @param there the grants in the namespace of the Secret */
function isGranted(
  there: readonly ReferrerFacts[],
  { group, kind }: ReferrerKind,
  { metadata }: ReferrerFacts,
  { namespace, secret }: Reference,
): boolean {
  if (namespace === metadata.namespace) return true;
  const from = { group, kind, namespace: metadata.namespace };
  return there.some((grant) => grants(grant, from, secret));
}

/** The hosts of a listener's routes; null: there are none, or one that is for every host. */
function hostsOfRoutes(
  routes: ReadonlyMap<string, readonly Attachment[]>,
  { parent, section }: ListenerRef,
): Hosts {
  const attached = routes.get(parent) ?? [];
  const own = attached
    .filter((one) => one.section === '' || one.section === section)
    .map(({ hosts }) => hosts);
  return own.length === 0 || own.some((hosts) => hosts.length === 0) ? null : own.flat();
}

function effectOf(kind: ReferrerKind | null, plural: string): string {
  if (kind !== null)
    return 'certificates that nothing else asks for get every name of their leaf (hosts: references)';
  return plural === GRANTS.plural
    ? 'references to Secrets of other namespaces are not followed'
    : 'a listener without a hostname is taken for one for every host';
}

function byAge(a: { item: ReferrerFacts }, b: { item: ReferrerFacts }): number {
  const [one, other] = [a.item.metadata, b.item.metadata];
  const age = timeOf(one.creationTimestamp) - timeOf(other.creationTimestamp);
  if (age !== 0) return age;
  const [first, second] = [`${one.namespace}/${one.name}`, `${other.namespace}/${other.name}`];
  return first < second ? -1 : first > second ? 1 : 0;
}

/** A Secret without a creation time counts as the youngest. */
function timeOf(timestamp = ''): number {
  const ms = Date.parse(timestamp);
  return Number.isNaN(ms) ? Number.MAX_SAFE_INTEGER : ms;
}

function hostsIn({ hosts, isBlind }: Taken, secret: string): Hosts {
  const found = hosts.get(secret);
  return found === undefined ? (isBlind ? null : []) : found;
}

const isSame = (a: Hosts, b: Hosts): boolean => a?.join() === b?.join();
