import type { Refusal } from '../model';
import { groupBy } from '../common/multimap';
import type { KubernetesClient } from './client';
import { ReferrerLists } from './referrer-lists';
import {
  attachmentsOf,
  GRANTS,
  grants,
  ROUTES,
  type Attachment,
  type Reference,
  type ReferrerFacts,
  type ReferrerKind,
  type RoutedListener,
} from './referrers';

/** For which hosts a Secret is asked for; null: for every one. */
type Hosts = readonly string[] | null;

/** The hosts of each Secret (`namespace/name`), and whether those of others are not known. */
interface Taken {
  hosts: ReadonlyMap<string, Hosts>;
  isBlind: boolean;
}

/**
 * For which hosts Ingresses, Gateways and ListenerSets refer to each Secret. Where several ask for one host with
 * different Secrets of a namespace, the oldest has it, as long as its Secret holds a certificate. Of two tenants both ask:
 * whoever was first to name somebody's host has no right to it yet.
 */
export class References {
  readonly #lists: ReferrerLists;
  /** Some kind cannot be listed: whether a Secret is referred to is not known then. */
  #isBlind = false;
  #taken: Taken = { hosts: new Map(), isBlind: false };
  #isOutdated = true;

  /** @param isThere whether a Secret (`namespace/name`) holds a certificate */
  constructor(
    client: KubernetesClient,
    private readonly isThere: (secret: string) => boolean,
  ) {
    this.#lists = new ReferrerLists(client, () => this.outdate());
  }

  /** Brings it up to date; what cannot be listed is said in `errors`. @param namespaces null: all of them */
  async refresh(namespaces: readonly (string | null)[], errors: Refusal[]): Promise<void> {
    const isBlind = await this.#lists.refresh(namespaces, errors);
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

  /** Namespaces whose objects ask for more hosts than are looked at. */
  get crowded(): ReadonlySet<string> {
    return this.#lists.crowded;
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
    this.#lists.watch(touched, signal);
  }

  /** Granted references to Secrets, those of the oldest objects first. */
  private references(): (Reference & { from: string })[] {
    const granted = groupBy(this.#lists.objectsOf(GRANTS.plural), ({ metadata }) => metadata.namespace);
    const all = this.#lists.referrers();
    return all.sort(byAge).flatMap(({ kind, item }) =>
      item.references
        .filter((reference) => isGranted(granted.get(reference.namespace) ?? [], kind, item, reference))
        .map((reference) => ({
          ...reference,
          from: `${kind.kind} ${item.metadata.namespace}/${item.metadata.name}`,
        })),
    );
  }

  /** References with their Secret (`namespace/name`) and the hosts of routes, the oldest first. */
  private claims(): { namespace: string; secret: string; hosts: Hosts; from: string }[] {
    const routes = groupBy(
      ROUTES.flatMap(({ plural }) => this.#lists.objectsOf(plural)).flatMap(attachmentsOf),
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
    /** The object that owns a host, by namespace and host. */
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
  { parent, section, only }: RoutedListener,
): Hosts {
  const attached = routes.get(parent) ?? [];
  const own = attached
    .filter((one) => one.section === '' || one.section === section)
    .filter(({ namespace }) => only === null || namespace === only)
    .map(({ hosts }) => hosts);
  return own.length === 0 || own.some((hosts) => hosts.length === 0) ? null : own.flat();
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
