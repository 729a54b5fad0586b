import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesError, type KubernetesClient, type WatchEvent } from './client';

/** What every object of a cluster has, as far as it matters here. */
export interface KubernetesObject {
  metadata: { name: string; namespace: string; resourceVersion: string };
}

/** A set of objects of one kind that is listed and watched with one path. */
export interface ListWatchOptions {
  client: KubernetesClient;
  /** Where the kind is, e.g. `/api/v1`, and its name in paths, e.g. `secrets`. */
  api: string;
  plural: string;
  /** Null: every namespace. */
  namespace: string | null;
  /** One object by its name. */
  name: string | null;
  fieldSelector: string | null;
  labelSelector: string | null;
}

/** What became of an object, by `namespace/name`: null when it is gone. */
export type Apply<T> = (key: string, object: T | null) => void;

interface List<T> {
  metadata: { resourceVersion: string; continue?: string };
  items: T[];
}

const PAGE_SIZE = 500;
/** The server ends a watch after this; one that is silent for longer is broken. */
const WATCH_SECONDS = 280;
const CATCH_UP_SECONDS = 1;
/** A watch that ends sooner was of no use: the next one waits. */
const SHORTEST_WATCH_MS = 1_000;

/** Keeps track of the objects of one path: listed whole once, then by what the API server says has changed. */
export class ListWatch<T extends KubernetesObject> {
  readonly #path: string;
  readonly #selectors: string;
  /** Resource version up to which everything is known; null: it has to be listed. */
  #version: string | null = null;
  /** Version of each object, by `namespace/name`. */
  readonly #known = new Map<string, string>();
  /** Else every poll lists, and asks again. */
  #mayWatch = true;

  constructor(private readonly options: ListWatchOptions) {
    const { api, plural, namespace, name, labelSelector } = options;
    const where = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    this.#path = `${api}${where}/${plural}`;
    const fields = [name === null ? null : `metadata.name=${name}`, options.fieldSelector]
      .filter(Boolean)
      .join(',');
    this.#selectors = new URLSearchParams({
      ...(fields === '' ? {} : { fieldSelector: fields }),
      ...(labelSelector === null ? {} : { labelSelector }),
    }).toString();
  }

  get namespace(): string | null {
    return this.options.namespace;
  }

  /** How many objects there are. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * Brings it up to date: everything the first time and after the server has forgotten the version, else one watch
   * of a second from the version that is known, which costs nothing where nothing changed and does not rely on the
   * long watch.
   * @throws KubernetesError
   */
  async refresh(apply: Apply<T>): Promise<void> {
    if (this.#version !== null) {
      try {
        await this.follow(apply, CATCH_UP_SECONDS, AbortSignal.timeout(30_000));
        return;
      } catch (error) {
        if (!(error instanceof KubernetesError)) throw error;
        // The right may come later, or be unknown to an API server that has just started.
        if (error.status === 403) this.#mayWatch = false;
        else if (error.status !== 410) throw error;
      }
    }
    await this.list(apply);
  }

  /** Whether there is such an object. @param key `namespace/name` */
  has(key: string): boolean {
    return this.#known.has(key);
  }

  /** Whether the right to watch is missing. */
  get isBlind(): boolean {
    return !this.#mayWatch;
  }

  /** Watches until the signal; after each trouble again from what is known. Never throws. */
  async watch(apply: Apply<T>, signal: AbortSignal): Promise<void> {
    for (let waitMs = 1_000; !signal.aborted;) {
      if (this.#version !== null) {
        const startedAt = performance.now();
        try {
          await this.follow(apply, WATCH_SECONDS, signal);
          if (performance.now() - startedAt >= SHORTEST_WATCH_MS) {
            waitMs = 1_000;
            continue;
          }
        } catch (error) {
          const { status } = error as Partial<KubernetesError>;
          // Too old: the next poll lists. Not allowed: only polls are left.
          if (status === 410) this.#version = null;
          if (status === 403) this.#mayWatch = false;
        }
      }
      waitMs = Math.min(waitMs * 2, 30_000);
      await sleep(waitMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  private async list(apply: Apply<T>): Promise<void> {
    const seen = new Set<string>();
    let token = '';
    let version: string;
    do {
      const query = new URLSearchParams({
        limit: String(PAGE_SIZE),
        ...(token === '' ? {} : { continue: token }),
      });
      const page = await this.options.client.get<List<T>>(this.query(query));
      for (const object of page.items) seen.add(this.put(object, apply));
      version = page.metadata.resourceVersion;
      token = page.metadata.continue ?? '';
    } while (token !== '');
    for (const key of this.#known.keys()) if (!seen.has(key)) this.remove(key, apply);
    this.#version = version;
  }

  private async follow(apply: Apply<T>, seconds: number, signal: AbortSignal): Promise<void> {
    const query = new URLSearchParams({
      watch: '1',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(seconds),
      resourceVersion: this.#version ?? '',
    });
    const path = this.query(query);
    // Bookmarks come every minute: silence for longer than two is a broken connection.
    const idleMs = Math.min(seconds, 120) * 1000 + 10_000;
    for await (const event of this.options.client.watch<T>(path, signal, idleMs)) this.take(event, apply);
    this.#mayWatch = true;
  }

  private take({ type, object }: WatchEvent<T>, apply: Apply<T>): void {
    if (type === 'ADDED' || type === 'MODIFIED') this.put(object, apply);
    else if (type === 'DELETED') this.remove(keyOf(object), apply);
    this.#version = newer(this.#version, object.metadata.resourceVersion);
  }

  private put(object: T, apply: Apply<T>): string {
    const key = keyOf(object);
    const { resourceVersion } = object.metadata;
    if (this.#known.get(key) !== resourceVersion) {
      this.#known.set(key, resourceVersion);
      apply(key, object);
    }
    return key;
  }

  private remove(key: string, apply: Apply<T>): void {
    if (this.#known.delete(key)) apply(key, null);
  }

  private query(query: URLSearchParams): string {
    const selectors = this.#selectors === '' ? '' : `&${this.#selectors}`;
    return `${this.#path}?${query.toString()}${selectors}`;
  }
}

const keyOf = ({ metadata }: KubernetesObject) => `${metadata.namespace}/${metadata.name}`;

/** Two watches may run at once; neither takes the other back. Versions of one resource are numbers that grow. */
function newer(known: string | null, seen: string): string {
  return known === null || BigInt(seen) > BigInt(known) ? seen : known;
}
