import {
  isRefusal,
  refusal,
  type Ownership,
  type Reading,
  type Refusal,
  type ScanOptions,
  type Source,
  type SourceScan,
  type StrayFile,
} from '../../model';
import { printable } from '../../common/printable';
import { KubernetesError, References, trouble } from '../../kubernetes';
import { HeldTexts } from '../remote/held';
import { TLS_SECRETS, type ObjectKind } from './object-kind';
import { Scopes, type ScopesOptions } from './scopes';
import { annotatedHosts, isMarked, type Secret } from './secret';

export interface KubernetesSourceOptions extends ScopesOptions {
  /** Default: made of the cluster and the kind, and for other kinds than TLS Secrets of the selection. */
  id?: string;
  /** Name of the cluster; left out: the one that this process is in. */
  cluster?: string;
  /** Default: TLS Secrets. */
  kind?: ObjectKind;
  create: boolean;
  /** Only those that carry `konghq.com/override: "true"` or cert-manager's annotations. */
  onlyMarked: boolean;
  /**
   * Names for certificates that are created: every name of the leaf, those of the annotation
   * `cert-manager.io/alt-names`, or those for which Ingresses and Gateways refer to the Secret.
   */
  hosts?: 'leaf' | 'annotations' | 'references';
}

/** Octets of texts that are kept between a scan and the reads that follow it; further ones are fetched again. */
const MAX_HELD_BYTES = 32 * 1024 * 1024;
/** Larger texts are not kept, to leave room for others. */
const MAX_HELD_EACH_BYTES = 64 * 1024;

/** Most keys of an object that a sentence lists. */
const MOST_KEYS = 10;

/** Secrets (or ConfigMaps) of a Kubernetes cluster. */
export class KubernetesSource implements Source {
  readonly id: string;
  readonly #kind: ObjectKind;
  readonly create: boolean;
  readonly ownership: Ownership;
  readonly cluster?: string;
  readonly #scopes: Scopes;
  /** Decide the hosts of certificates that are created. */
  readonly #references: References | null;
  /** References for `asked`, where hosts come from elsewhere and an ingress controller is present. */
  #asking: References | null = null;
  /** Objects to be read, or to be reported as gone, with whether they are bundles. */
  readonly #pending = new Map<string, boolean>();
  readonly #held = new HeldTexts(MAX_HELD_BYTES, MAX_HELD_EACH_BYTES);
  /** Keys of objects that the configuration names and that hold no certificate, by `namespace/name`. */
  readonly #empty = new Map<string, readonly string[]>();
  /** Errors of the last full scan. */
  #errors: Refusal[] = [];
  /** Bundles that were read or are about to be; other Secrets are not in it. */
  readonly #bundles = new Set<string>();
  #touched: (() => void) | null = null;
  /** Signal of the open long watches. */
  #signal: AbortSignal | null = null;

  constructor(private readonly options: KubernetesSourceOptions) {
    this.create = options.create;
    if (options.cluster !== undefined) this.cluster = options.cluster;
    this.#kind = options.kind ?? TLS_SECRETS;
    this.id = options.id ?? idOf(this.#kind, options);
    const { namespaces, names } = options;
    this.ownership = namespaces.length === 1 && names.length > 0 ? 'operator' : 'tenants';
    // A source that creates nothing needs nobody's hosts.
    this.#references = options.create && options.hosts === 'references' ? this.newReferences() : null;
    this.#scopes = new Scopes(options, this.#kind, this.#apply, this.#bundles);
  }

  async scan(touched?: ReadonlySet<string>, options?: ScanOptions): Promise<SourceScan> {
    if (touched === undefined) {
      const errors: Refusal[] = [];
      await this.#scopes.refresh(errors, options?.whole === true);
      await this.#references?.refresh(this.#scopes.namespaces, errors);
      // Rights that are missing here are said by the plan, where they matter.
      await this.#asking?.refresh(this.#scopes.namespaces, []);
      if (this.#touched !== null) this.follow(this.#touched);
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
    // The owner of a host among several depends on which of their Secrets exist.
    if (changed.length > 0 || removed.length > 0) this.#references?.outdate();
    for (const name of this.#references?.take(this.#bundles) ?? []) {
      if (this.#bundles.has(name) && !this.#pending.has(name)) changed.push(name);
    }
    const areAsksNew = this.#asking?.takeNews() === true;
    const partial = [...this.#scopes.crowded, ...this.crowdedReferrers()];
    const strays = this.#errors.length > 0 ? {} : { strays: this.strays() };
    return {
      changed,
      removed,
      total: this.#bundles.size,
      errors: this.#errors,
      partial,
      areAsksNew,
      ...strays,
    };
  }

  /** The result of the last scan, else the present Secret; its text is not kept. */
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
    if (this.#asking === null) {
      this.#asking = this.newReferences();
      await this.#asking.refresh(this.#scopes.namespaces, []);
      this.#asking.takeNews();
      if (this.#touched !== null && this.#signal !== null) this.#asking.watch(this.#touched, this.#signal);
    }
    return this.#asking.asked;
  }

  watch(touched: (what: string) => void): () => void {
    this.#touched = () => touched(this.id);
    return () => {
      this.#touched = null;
      this.#signal = null;
      this.#scopes.stop();
    };
  }

  /** Objects that the configuration names and that are no bundles. */
  private strays(): StrayFile[] {
    const { word } = this.#kind;
    const absent = this.#scopes.absent.map((name) => {
      const message = `${word} ${name} does not exist (yet); are names and namespaces of the source right?`;
      return { location: `${word} ${name}`, ...refusal('unreadable', message) };
    });
    const empty = [...this.#empty].map(([name, keys]) => {
      const has = keys.length === 0 ? 'it is empty' : `it has ${printable(keys.join(', '))}`;
      const message = `${word} ${name} holds no certificate (yet) under the usual keys: ${has}`;
      return { location: `${word} ${name}`, ...refusal('missing_certificate', message) };
    });
    return [...absent, ...empty];
  }

  private crowdedReferrers(): Refusal[] {
    const namespaces = [this.#references, this.#asking].flatMap((one) => [...(one?.crowded ?? [])]);
    return [...new Set(namespaces)].map((namespace) =>
      refusal(
        'too_large',
        `the Ingresses and Gateways of namespace ${namespace} ask for more hosts than are read`,
      ),
    );
  }

  private newReferences(): References {
    return new References(this.options.client, (secret) => this.#bundles.has(secret));
  }

  /** Null: not a bundle (yet). */
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

  private isWanted(secret: Secret): boolean {
    return !this.options.onlyMarked || isMarked(secret);
  }

  /** Long watches, once the first list is through. */
  private follow(touched: () => void): void {
    const signal = this.#scopes.follow((name, secret) => {
      this.#apply(name, secret);
      touched();
    });
    if (signal === null) return;
    this.#signal = signal;
    this.#references?.watch(touched, signal);
    this.#asking?.watch(touched, signal);
  }

  readonly #apply = (name: string, secret: Secret | null): void => {
    const wanted = secret !== null && this.isWanted(secret) ? secret : null;
    const bundle = wanted === null ? null : this.bundleOf(wanted);
    this.#empty.delete(name);
    if (bundle === null && wanted !== null && this.options.names.includes(wanted.metadata.name))
      this.#empty.set(name, Object.keys(wanted.data ?? {}).slice(0, MOST_KEYS));
    if (bundle === null) this.#held.delete(name);
    else this.#held.put(name, bundle);
    // Most Secrets of a cluster are not bundles, and never were.
    if (bundle !== null || this.#bundles.has(name) || this.#pending.has(name))
      this.#pending.set(name, bundle !== null);
  };
}

/** Stable across restarts, and different for another cluster or selection. */
function idOf(
  kind: ObjectKind,
  { cluster, namespaces, names, labelSelector }: KubernetesSourceOptions,
): string {
  const looks = [kind.plural, namespaces.join(), names.join(), labelSelector ?? ''];
  return ['kubernetes', cluster ?? [], kind === TLS_SECRETS ? [] : looks].flat().join(':');
}
