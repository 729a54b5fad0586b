import { KubernetesError } from './client';

/** What every object of a cluster has, as far as it matters here. */
export interface KubernetesObject {
  metadata: { name: string; namespace: string; resourceVersion: string };
}

/** Of one kind in one place. A list that is longer is given up. */
const MAX_OBJECTS = 100_000;
/** Of one namespace among all: a tenant that makes more is not looked at, so that it is no other tenant's trouble. */
const MAX_OF_A_NAMESPACE = 20_000;

export const keyOf = ({ metadata }: KubernetesObject) => `${metadata.namespace}/${metadata.name}`;

/** Which objects there are, each with its version, by `namespace/name`. */
export class KnownObjects {
  /** Namespaces with more objects than are looked at. */
  readonly crowded = new Set<string>();
  readonly #versions = new Map<string, string>();
  /** How many are in each namespace. */
  readonly #counts = new Map<string, number>();

  /** @param path where they are listed @param areAll they are of all namespaces */
  constructor(
    private readonly path: string,
    private readonly areAll: boolean,
  ) {}

  get size(): number {
    return this.#versions.size;
  }

  has(key: string): boolean {
    return this.#versions.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#versions.keys();
  }

  /** @throws KubernetesError where there are too many */
  put(object: KubernetesObject): 'known' | 'changed' | 'ignored' {
    const key = keyOf(object);
    const { resourceVersion, namespace } = object.metadata;
    const known = this.#versions.get(key);
    if (known === resourceVersion) return 'known';
    if (known === undefined) {
      const count = this.#counts.get(namespace) ?? 0;
      if (this.areAll && count >= MAX_OF_A_NAMESPACE) {
        this.crowded.add(namespace);
        return 'ignored';
      }
      if (this.size >= MAX_OBJECTS) throw endless(this.path, `holds more than ${MAX_OBJECTS} objects`);
      this.#counts.set(namespace, count + 1);
    }
    this.#versions.set(key, resourceVersion);
    return 'changed';
  }

  /** @returns whether there was one */
  remove(key: string): boolean {
    if (!this.#versions.delete(key)) return false;
    const namespace = key.slice(0, key.indexOf('/'));
    const count = (this.#counts.get(namespace) ?? 0) - 1;
    if (count > 0) this.#counts.set(namespace, count);
    else this.#counts.delete(namespace);
    return true;
  }
}

export const endless = (path: string, why: string): KubernetesError =>
  new KubernetesError(`the list of ${path} ${why}; narrow the source down`, 0);

export function isVersioned(item: unknown): boolean {
  const { metadata } = (item ?? {}) as { metadata?: { resourceVersion?: unknown } | null };
  return typeof metadata?.resourceVersion === 'string';
}

export function isObject(item: unknown): item is KubernetesObject {
  const { metadata } = (item ?? {}) as { metadata?: { name?: unknown; namespace?: unknown } | null };
  return isVersioned(item) && typeof metadata?.name === 'string' && typeof metadata.namespace === 'string';
}
