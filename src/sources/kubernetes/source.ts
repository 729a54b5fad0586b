import {
  isRefusal,
  refusal,
  type Ownership,
  type Reading,
  type Refusal,
  type ScanOptions,
  type Source,
  type SourceScan,
} from '../../model';
import {
  KubernetesError,
  ListWatch,
  missingVerb,
  placeOf,
  References,
  trouble,
  type KubernetesClient,
} from '../../kubernetes';
import { TLS_SECRETS, type ObjectKind } from './object-kind';
import { HeldTexts } from '../remote/held';
import { annotatedHosts, isMarked, type Secret } from './secret';

export interface KubernetesSourceOptions {
  /** Default: by the cluster and the kind, and for other kinds than TLS Secrets by what it looks at. */
  id?: string;
  /** The name of the cluster; left out: the one that this process is in. */
  cluster?: string;
  /** Default: TLS Secrets. */
  kind?: ObjectKind;
  client: KubernetesClient;
  create: boolean;
  /** Empty: every namespace, or the pod's own where only that is allowed. */
  namespaces: readonly string[];
  /** Empty: all of type kubernetes.io/tls. */
  names: readonly string[];
  labelSelector: string | null;
  /** Only those that carry `konghq.com/override: "true"` or cert-manager's annotations. */
  onlyMarked: boolean;
  /**
   * Which names certificates get that are created: every name of the leaf, those of the annotation
   * `cert-manager.io/alt-names`, or those for which Ingresses and Gateways refer to the Secret.
   */
  hosts?: 'leaf' | 'annotations' | 'references';
  /** The source was not asked for: what it may not see is no trouble. */
  isDiscovered?: boolean;
}

/** Texts that are kept between a scan and the reads that follow it; what is more is fetched again. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** Larger ones leave room for those of others. */
const MAX_HELD_EACH_BYTES = 64 * 1024;

/** Secrets (or ConfigMaps) of a Kubernetes cluster. */
export class KubernetesSource implements Source {
  readonly id: string;
  readonly #kind: ObjectKind;
  readonly create: boolean;
  readonly ownership: Ownership;
  /** As the source says. */
  readonly #asked: readonly ListWatch<Secret>[];
  /** Those, or of the pod's own namespace where only that is allowed. */
  #scopes: readonly ListWatch<Secret>[];
  readonly #references: References | null;
  /** Where hosts come from elsewhere: who asks for what, for the sake of an ingress controller. */
  #asking: References | null = null;
  /** What is to be read, or to be reported as gone: whether it is a bundle. */
  readonly #pending = new Map<string, boolean>();
  readonly #held = new HeldTexts(MAX_HELD_BYTES, MAX_HELD_EACH_BYTES);
  /** Of the last scan of everything. */
  #errors: Refusal[] = [];
  /** Bundles that were read or are about to be; Secrets that are none are not in it. */
  readonly #bundles = new Set<string>();
  #stopWatch: AbortController | null = null;
  #touched: ((what: string) => void) | null = null;

  constructor(private readonly options: KubernetesSourceOptions) {
    this.create = options.create;
    this.#kind = options.kind ?? TLS_SECRETS;
    this.id = options.id ?? idOf(this.#kind, options);
    const { namespaces, names, client } = options;
    this.ownership = namespaces.length === 1 && names.length > 0 ? 'operator' : 'tenants';
    // What creates nothing needs nobody's hosts.
    this.#references =
      options.create && options.hosts === 'references'
        ? new References(client, (secret) => this.#bundles.has(secret))
        : null;
    this.#asked = (namespaces.length === 0 ? [null] : namespaces).flatMap((namespace) =>
      this.scopesOf(namespace),
    );
    this.#scopes = this.#asked;
  }

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    if (touched === undefined) {
      const errors: Refusal[] = [];
      await this.refreshAll(errors, options?.whole === true);
      await this.#references?.refresh(
        this.#scopes.map(({ namespace }) => namespace),
        errors,
      );
      this.followScopes();
      this.#errors = errors;
    }
    const changed: string[] = [];
    const removed: string[] = [];
    for (const [name, isBundle] of this.#pending) {
      if (isBundle) {
        this.#bundles.add(name);
        changed.push(name);
      } else {
        this.#pending.delete(name);
        if (this.#bundles.delete(name)) removed.push(name);
      }
    }
    // Who of several has a host depends on which of their Secrets are there.
    if (changed.length > 0 || removed.length > 0) this.#references?.outdate();
    for (const name of this.#references?.take() ?? []) {
      if (this.#bundles.has(name) && !this.#pending.has(name)) changed.push(name);
    }
    return { changed, removed, total: this.#bundles.size, errors: this.#errors };
  }

  /** What the last scan brought, else the Secret as it is now; its text is not kept. */
  async read(name: string): Promise<Reading> {
    const held = this.#held.get(name);
    this.#held.delete(name);
    this.#pending.delete(name);
    if (held !== undefined) return this.withReferences(name, held);
    const [namespace = '', secret = ''] = name.split('/').map(encodeURIComponent);
    try {
      const path = `/api/v1/namespaces/${namespace}/${this.#kind.plural}/${secret}`;
      return this.withReferences(name, this.bundleOf(await this.options.client.get<Secret>(path)));
    } catch (error) {
      if (error instanceof KubernetesError && error.status === 404) return null;
      return trouble(error, 'get', `${this.#kind.word} ${name}`);
    }
  }

  async asked(): Promise<ReadonlyMap<string, string> | null> {
    if (this.#references !== null) return this.#references.asked;
    this.#asking ??= new References(this.options.client, (secret) => this.#bundles.has(secret));
    await this.#asking.refresh(
      this.#scopes.map(({ namespace }) => namespace),
      [],
    );
    return this.#asking.asked;
  }

  watch(touched: (what: string) => void): () => void {
    this.#touched = touched;
    return () => {
      this.#touched = null;
      this.#stopWatch?.abort();
      this.#stopWatch = null;
    };
  }

  /** Null: it is not a bundle (yet). */
  private bundleOf(secret: Secret): Reading {
    const found = this.#kind.toRawBundle(secret);
    if (found === null) return null;
    const { cert, key, issuers = [] } = found;
    if (cert.length + key.length + issuers.join('').length > this.#kind.maxBytes) {
      const limit = `${this.#kind.maxBytes / 1024} KiB`;
      return refusal(
        'too_large',
        `${found.location} is larger than ${limit}; a bundle is one leaf, its chain and its key`,
      );
    }
    const { cluster } = this.options;
    const hosts = this.options.hosts === 'annotations' ? annotatedHosts(secret) : null;
    return {
      ...found,
      ...(found.secret === undefined || cluster === undefined
        ? {}
        : { secret: { ...found.secret, cluster } }),
      ...(hosts === null ? {} : { hosts }),
    };
  }

  private withReferences(name: string, reading: Reading): Reading {
    const hosts = this.#references?.hostsOf(name) ?? null;
    return hosts === null || reading === null || isRefusal(reading) ? reading : { ...reading, hosts };
  }

  private scopesOf(namespace: string | null): ListWatch<Secret>[] {
    const { client, names, labelSelector } = this.options;
    // Who names Secrets or labels means them, whatever their type.
    const fieldSelector = names.length > 0 || labelSelector !== null ? null : this.#kind.fieldSelector;
    const each = names.length === 0 ? [null] : names;
    const secrets = {
      client,
      api: '/api/v1',
      plural: this.#kind.plural,
      namespace,
      fieldSelector,
      labelSelector,
    };
    return each.map((name) => new ListWatch<Secret>({ ...secrets, name }));
  }

  private isWanted(secret: Secret): boolean {
    return !this.options.onlyMarked || isMarked(secret);
  }

  /** Not allowed to see the whole cluster: the pod's own namespace is left, until that is allowed. */
  private async refreshAll(errors: Refusal[], whole: boolean): Promise<void> {
    const found: Refusal[] = [];
    const looks = await Promise.all(this.#asked.map((scope) => this.refresh(scope, found, whole)));
    if (!looks.includes('refused')) {
      errors.push(...found);
      if (this.#scopes !== this.#asked && !looks.includes('failed')) this.widen();
      return;
    }
    const { isDiscovered, client } = this.options;
    if (isDiscovered !== true) {
      const effect = `only namespace ${client.namespace} is looked at: name the namespaces in the source, or use a ClusterRole`;
      errors.push(missingVerb('list', `${this.#kind.word}s in all namespaces`, effect));
    }
    if (this.#scopes === this.#asked) this.use(this.scopesOf(client.namespace));
    await Promise.all(this.#scopes.map((scope) => this.refresh(scope, errors, whole)));
  }

  private widen(): void {
    this.use(this.#asked);
    // What went meanwhile is known to no list of before.
    for (const name of this.#bundles)
      if (!this.#asked.some((scope) => scope.has(name))) this.#apply(name, null);
  }

  private use(scopes: readonly ListWatch<Secret>[]): void {
    this.#scopes = scopes;
    this.#stopWatch?.abort();
    this.#stopWatch = null;
  }

  /** @returns `refused` where the whole cluster was meant, which is not allowed; it is no error yet */
  private async refresh(
    scope: ListWatch<Secret>,
    errors: Refusal[],
    whole: boolean,
  ): Promise<'seen' | 'refused' | 'failed'> {
    const where = placeOf(scope.namespace);
    try {
      await scope.refresh(this.#apply, whole);
      if (scope.namespace !== null && scope.size === 0) await this.checkNamespace(scope.namespace, errors);
      for (const namespace of scope.crowded) {
        const what = `namespace ${namespace} holds more ${this.#kind.word}s than are looked at`;
        errors.push(refusal('too_large', `${what} (${scope.size}); name it in a source of its own`));
      }
      if (scope.isBlind)
        errors.push(
          missingVerb('watch', `${this.#kind.word}s in ${where}`, 'every poll lists them all instead'),
        );
    } catch (error) {
      const isForbidden = error instanceof KubernetesError && error.status === 403;
      const mayNarrow = isForbidden && scope.namespace === null && this.options.namespaces.length === 0;
      if (mayNarrow) return 'refused';
      if (!isForbidden || this.options.isDiscovered !== true) {
        errors.push(trouble(error, 'list', `${this.#kind.word}s in ${where}`));
      }
      return 'failed';
    }
    return 'seen';
  }

  /** Listing in a namespace that does not exist answers an empty list. */
  private async checkNamespace(namespace: string, errors: Refusal[]): Promise<void> {
    try {
      await this.options.client.get(`/api/v1/namespaces/${encodeURIComponent(namespace)}`);
    } catch (error) {
      // Whether it exists is often none of a service account's business.
      if ((error as KubernetesError).status !== 404) return;
      errors.push(
        refusal('unreadable', `namespace ${namespace} does not exist; is its name in the source right?`),
      );
    }
  }

  /** Starts the long watches once the first list is through. */
  private followScopes(): void {
    if (this.#touched === null || this.#stopWatch !== null) return;
    this.#stopWatch = new AbortController();
    const { signal } = this.#stopWatch;
    for (const scope of this.#scopes) void scope.watch(this.#applyAndTell, signal);
    this.#references?.watch(() => this.#touched?.(this.id), signal);
  }

  readonly #apply = (name: string, secret: Secret | null): void => {
    const bundle = secret === null || !this.isWanted(secret) ? null : this.bundleOf(secret);
    if (bundle === null) this.#held.delete(name);
    else this.#held.put(name, bundle);
    // Most Secrets of a cluster are not bundles, and never were.
    if (bundle !== null || this.#bundles.has(name) || this.#pending.has(name))
      this.#pending.set(name, bundle !== null);
  };

  readonly #applyAndTell = (key: string, secret: Secret | null): void => {
    this.#apply(key, secret);
    this.#touched?.(this.id);
  };
}

/** The same after a restart, and another one for another cluster and other objects. */
function idOf(
  kind: ObjectKind,
  { cluster, namespaces, names, labelSelector }: KubernetesSourceOptions,
): string {
  const looks = [kind.plural, namespaces.join(), names.join(), labelSelector ?? ''];
  return ['kubernetes', cluster ?? [], kind === TLS_SECRETS ? [] : looks].flat().join(':');
}
