import type { Refusal } from '../model';
import type { KubernetesError } from './client';
import { type KubernetesClient } from './client';
import { missingVerb, placeOf, trouble } from './trouble';
import { REFERRER_KINDS, type Referrer, type ReferrerKind } from './referrers';
import { ListWatch } from './list-watch';

interface Followed {
  kind: ReferrerKind;
  scope: ListWatch<Referrer>;
}

/** For which hosts Ingresses and Gateways refer to each Secret. */
export class References {
  #followed: Followed[] = [];
  #namespaces = '';
  /** Some kind cannot be listed: whether a Secret is referred to is not known then. */
  #isBlind = false;
  /** By Secret (`namespace/name`): the hosts of each that refers to it; null: every host. */
  readonly #bySecret = new Map<string, Map<string, readonly string[] | null>>();
  /** By referrer: the Secrets that it refers to. */
  readonly #byReferrer = new Map<string, readonly string[]>();
  #touched = new Set<string>();

  constructor(private readonly client: KubernetesClient) {}

  /** Brings it up to date; what cannot be listed is said in `errors`. @param namespaces null: all of them */
  async refresh(namespaces: readonly (string | null)[], errors: Refusal[]): Promise<void> {
    this.lookInto(namespaces);
    this.#isBlind = false;
    await Promise.all(this.#followed.map((followed) => this.refreshOne(followed, errors)));
  }

  /**
   * The hosts that a Secret is asked for, in lower case; empty: nothing refers to it. Null where every host is meant,
   * or where that cannot be known.
   */
  hostsOf(secret: string): readonly string[] | null {
    const found = [...(this.#bySecret.get(secret)?.values() ?? [])];
    if (found.includes(null) || (found.length === 0 && this.#isBlind)) return null;
    return [...new Set(found.flatMap((hosts) => hosts ?? []).map((host) => host.toLowerCase()))].sort();
  }

  /** Secrets whose hosts may have changed since the last call. */
  take(): Iterable<string> {
    const touched = this.#touched;
    this.#touched = new Set();
    return touched;
  }

  watch(touched: () => void, signal: AbortSignal): void {
    for (const followed of this.#followed) {
      const apply = this.applyFor(followed);
      void followed.scope.watch((key, item) => {
        apply(key, item);
        if (this.#touched.size > 0) touched();
      }, signal);
    }
  }

  private lookInto(namespaces: readonly (string | null)[]): void {
    const wanted = [...new Set(namespaces)];
    if (this.#namespaces === JSON.stringify(wanted)) return;
    this.#namespaces = JSON.stringify(wanted);
    const { client } = this;
    this.#followed = wanted.flatMap((namespace) =>
      REFERRER_KINDS.map((kind) => {
        const { api, plural } = kind;
        const all = { name: null, fieldSelector: null, labelSelector: null };
        return { kind, scope: new ListWatch<Referrer>({ client, api, plural, namespace, ...all }) };
      }),
    );
  }

  private async refreshOne(followed: Followed, errors: Refusal[]): Promise<void> {
    const { kind, scope } = followed;
    const what = `${kind.plural} in ${placeOf(scope.namespace)}`;
    try {
      await scope.refresh(this.applyFor(followed));
      if (scope.isBlind) errors.push(missingVerb('watch', what, 'every poll lists them all instead'));
    } catch (error) {
      const { status } = error as Partial<KubernetesError>;
      // A cluster without Gateways has no such path.
      if (status === 404) return;
      this.#isBlind = true;
      const effect =
        'certificates that nothing else asks for get every name of their leaf (hosts: references)';
      errors.push(status === 403 ? missingVerb('list', what, effect) : trouble(error, 'list', what));
    }
  }

  private applyFor({ kind }: Followed): (key: string, item: Referrer | null) => void {
    return (key, item) => {
      const referrer = `${kind.kind} ${key}`;
      for (const secret of this.#byReferrer.get(referrer) ?? []) {
        this.#bySecret.get(secret)?.delete(referrer);
        this.#touched.add(secret);
      }
      this.#byReferrer.delete(referrer);
      const references = item === null ? [] : kind.referencesOf(item);
      if (item === null || references.length === 0) return;
      for (const { secret, hosts } of references) {
        const name = `${item.metadata.namespace}/${secret}`;
        const referrers = this.#bySecret.get(name) ?? new Map<string, readonly string[] | null>();
        const known = referrers.get(referrer);
        const isEvery = hosts === null || known === null;
        referrers.set(referrer, isEvery ? null : [...(known ?? []), ...hosts]);
        this.#bySecret.set(name, referrers);
        this.#touched.add(name);
      }
      this.#byReferrer.set(
        referrer,
        references.map(({ secret }) => `${item.metadata.namespace}/${secret}`),
      );
    };
  }
}
