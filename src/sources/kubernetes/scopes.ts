import { refusal, type Refusal } from '../../model';
import {
  KubernetesError,
  ListWatch,
  missingVerb,
  placeOf,
  trouble,
  type Apply,
  type KubernetesClient,
} from '../../kubernetes';
import type { ObjectKind } from './object-kind';
import type { Secret } from './secret';

export interface ScopesOptions {
  client: KubernetesClient;
  /** Empty: every namespace, or the pod's own where only that is allowed. */
  namespaces: readonly string[];
  /** Empty: all of the kind's usual type. */
  names: readonly string[];
  labelSelector: string | null;
  /** The source was not asked for: missing rights are no trouble. */
  isDiscovered?: boolean;
}

/** The lists and watches that a source needs for its namespaces and names. */
export class Scopes {
  /** According to the configuration. */
  readonly #wanted: readonly ListWatch<Secret>[];
  /** The wanted ones, or those of the pod's own namespace where only that is allowed. */
  #used: readonly ListWatch<Secret>[];
  #following: AbortController | null = null;

  /** @param known objects (`namespace/name`) that matter: those that went unseen are reported as gone */
  constructor(
    private readonly options: ScopesOptions,
    private readonly kind: ObjectKind,
    private readonly apply: Apply<Secret>,
    private readonly known: ReadonlySet<string>,
  ) {
    const { namespaces } = options;
    this.#wanted = (namespaces.length === 0 ? [null] : namespaces).flatMap((namespace) =>
      this.scopesOf(namespace),
    );
    this.#used = this.#wanted;
  }

  /** Namespaces that are read; null: all. */
  get namespaces(): (string | null)[] {
    return this.#used.map(({ namespace }) => namespace);
  }

  /** Namespaces with more objects than are looked at. */
  get crowded(): Refusal[] {
    const { word } = this.kind;
    return this.#used.flatMap(({ crowded }) =>
      [...crowded].map((namespace) => {
        const many = `namespace ${namespace} holds more ${word}s than are read`;
        return refusal('too_large', `${many}; name it in a source of its own`);
      }),
    );
  }

  /** Names of the configuration that no namespace has. */
  get absent(): string[] {
    const { names } = this.options;
    return names.filter((name) => !this.#used.some((scope) => scope.name === name && scope.size > 0));
  }

  /** Refreshes everything. Where the whole cluster may not be listed, the pod's own namespace is used until it may. */
  async refresh(errors: Refusal[], whole: boolean): Promise<void> {
    const found: Refusal[] = [];
    const looks = await Promise.all(this.#wanted.map((scope) => this.refreshOne(scope, found, whole)));
    if (!looks.includes('refused')) {
      errors.push(...found);
      if (this.#used !== this.#wanted && !looks.includes('failed')) this.widen();
      return;
    }
    const { isDiscovered, client } = this.options;
    if (isDiscovered !== true) {
      const effect = `only namespace ${client.namespace} is read: name the namespaces in the source, or use a ClusterRole`;
      errors.push(missingVerb('list', `${this.kind.word}s in all namespaces`, effect));
    }
    if (this.#used === this.#wanted) this.use(this.scopesOf(client.namespace));
    await Promise.all(this.#used.map((scope) => this.refreshOne(scope, errors, whole)));
  }

  /** Starts the long watches where none are open. @returns how long they last; null: they were open */
  follow(apply: Apply<Secret>): AbortSignal | null {
    if (this.#following !== null) return null;
    this.#following = new AbortController();
    const { signal } = this.#following;
    for (const scope of this.#used) void scope.watch(apply, signal);
    return signal;
  }

  stop(): void {
    this.#following?.abort();
    this.#following = null;
  }

  private scopesOf(namespace: string | null): ListWatch<Secret>[] {
    const { client, names, labelSelector } = this.options;
    const { plural } = this.kind;
    // A source that names Secrets or labels means them, whatever their type.
    const fieldSelector = names.length > 0 || labelSelector !== null ? null : this.kind.fieldSelector;
    const all = { client, api: '/api/v1', plural, namespace, fieldSelector, labelSelector };
    const each = names.length === 0 ? [null] : names;
    return each.map((name) => new ListWatch<Secret>({ ...all, name }));
  }

  private widen(): void {
    this.use(this.#wanted);
    // No list saw these objects disappear.
    for (const name of this.known) if (!this.#wanted.some((scope) => scope.has(name))) this.apply(name, null);
  }

  private use(scopes: readonly ListWatch<Secret>[]): void {
    this.#used = scopes;
    this.stop();
  }

  /** @returns `refused` where the whole cluster may not be listed; that is no error yet */
  private async refreshOne(
    scope: ListWatch<Secret>,
    errors: Refusal[],
    whole: boolean,
  ): Promise<'seen' | 'refused' | 'failed'> {
    const { word } = this.kind;
    const what = `${word}s in ${placeOf(scope.namespace)}`;
    try {
      await scope.refresh(this.apply, whole);
      if (scope.namespace !== null && scope.size === 0) await this.checkNamespace(scope.namespace, errors);
      if (scope.isBlind) errors.push(missingVerb('watch', what, 'every poll lists them all instead'));
    } catch (error) {
      const isForbidden = error instanceof KubernetesError && error.status === 403;
      const { namespaces, isDiscovered } = this.options;
      if (isForbidden && scope.namespace === null && namespaces.length === 0) return 'refused';
      if (!isForbidden || isDiscovered !== true) errors.push(trouble(error, 'list', what));
      return 'failed';
    }
    return 'seen';
  }

  /** A list in a namespace that does not exist is empty, not an error. */
  private async checkNamespace(namespace: string, errors: Refusal[]): Promise<void> {
    try {
      await this.options.client.get(`/api/v1/namespaces/${encodeURIComponent(namespace)}`);
    } catch (error) {
      // Without the right to read the namespace, its existence is unknown.
      if ((error as KubernetesError).status !== 404) return;
      errors.push(
        refusal('unreadable', `namespace ${namespace} does not exist; is its name in the source right?`),
      );
    }
  }
}
