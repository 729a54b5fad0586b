import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubernetesError, type KubernetesClient, type WatchEvent } from './client';
import { listPages } from './list-pages';
import { isObject, isVersioned, keyOf, KnownObjects, type KubernetesObject } from './objects';

/** A set of objects of one kind that is listed and watched with one path. */
interface ListWatchOptions {
  client: KubernetesClient;
  /** Path of the API, e.g. `/api/v1`; `plural` is the kind's name in paths, e.g. `secrets`. */
  api: string;
  plural: string;
  /** Null: every namespace. */
  namespace: string | null;
  /** One object by its name. */
  name: string | null;
  fieldSelector: string | null;
  labelSelector: string | null;
}

/** Takes the new state of an object, by `namespace/name`; null: it is gone. */
export type Apply<T> = (key: string, object: T | null) => void;

/** The server ends a watch after this; one that is silent for longer is broken. */
const WATCH_SECONDS = 280;
const CATCH_UP_SECONDS = 1;
/** A watch that ends sooner was of no use: the next one waits. */
const SHORTEST_WATCH_MS = 1_000;
/** Bookmarks come every minute: silence for longer than two is a broken connection. */
const SILENCE_MS = 130_000;
/** A watch that was heard of this recently needs no second one beside it to be relied upon. */
const FRESH_MS = 90_000;

/** Keeps track of the objects of one path: listed whole once, then by what the API server says has changed. */
export class ListWatch<T extends KubernetesObject> {
  readonly #path: string;
  readonly #selectors: string;
  /** Resource version up to which everything is known; null: it has to be listed. */
  #version: string | null = null;
  readonly #known: KnownObjects;
  /** False: every poll lists, and tries to watch again. */
  #mayWatch = true;
  /** Time of the last event of the long watch; long ago while it is silent or closed. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #watching: AbortSignal | null = null;
  #listing: Promise<void> | null = null;

  constructor(private readonly options: ListWatchOptions) {
    const { api, plural, namespace, name, labelSelector } = options;
    const where = namespace === null ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
    this.#path = `${api}${where}/${plural}`;
    this.#known = new KnownObjects(this.#path, namespace === null);
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

  /** Null: any. */
  get name(): string | null {
    return this.options.name;
  }

  /** Path of the kind's API. */
  get api(): string {
    return this.options.api;
  }

  /** Namespaces with more objects than are looked at. */
  get crowded(): ReadonlySet<string> {
    return this.#known.crowded;
  }

  /** Number of objects. */
  get size(): number {
    return this.#known.size;
  }

  /**
   * Brings it up to date: everything the first time and after the server has forgotten the version, else one watch
   * of a second from the version that is known, which costs nothing where nothing changed. While the long watch is
   * heard of, nothing is asked.
   * @param whole the long watch is not relied upon
   * @throws KubernetesError
   */
  async refresh(apply: Apply<T>, whole = false): Promise<void> {
    const isFollowed = this.#watching?.aborted === false && performance.now() - this.#heardAt < FRESH_MS;
    if (this.#version !== null && isFollowed && !whole) return;
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
    try {
      await this.list(apply);
    } catch (error) {
      const { name, namespace } = this.options;
      const isForbidden = error instanceof KubernetesError && error.status === 403;
      if (!isForbidden || name === null || namespace === null) throw error;
      // A right to read one object may come without the right to list it: then each poll reads it.
      this.#version = null;
      await this.readOne(apply, `${namespace}/${name}`, name);
    }
  }

  /** Whether the object exists. @param key `namespace/name` */
  has(key: string): boolean {
    return this.#known.has(key);
  }

  /** Whether the right to watch is missing. */
  get isBlind(): boolean {
    return !this.#mayWatch;
  }

  /** Watches until the signal; after each trouble again from what is known. Never throws. */
  async watch(apply: Apply<T>, signal: AbortSignal): Promise<void> {
    this.#watching = signal;
    // It ends the watches of many places.
    setMaxListeners(0, signal);
    for (let waitMs = 1_000; !signal.aborted;) {
      if (this.#version !== null) {
        const startedAt = performance.now();
        try {
          await this.follow(apply, WATCH_SECONDS, signal, () => (this.#heardAt = performance.now()));
          if (performance.now() - startedAt >= SHORTEST_WATCH_MS) {
            waitMs = 1_000;
            continue;
          }
        } catch (error) {
          const { status } = error as Partial<KubernetesError>;
          // Too old: it is listed at once, or else by the next poll. Not allowed: only polls are left.
          if (status === 410) await this.listAgain(apply);
          if (status === 403) this.#mayWatch = false;
        } finally {
          this.#heardAt = Number.NEGATIVE_INFINITY;
        }
      }
      waitMs = Math.min(waitMs * 2, 30_000);
      await sleep(waitMs * (0.5 + Math.random()), undefined, { signal }).catch(() => undefined);
    }
  }

  private async listAgain(apply: Apply<T>): Promise<void> {
    this.#version = null;
    await this.list(apply).catch(() => undefined);
  }

  /** One list at a time: a later answer must not be taken back by an earlier one. */
  private list(apply: Apply<T>): Promise<void> {
    this.#listing ??= this.listAll(apply).finally(() => (this.#listing = null));
    return this.#listing;
  }

  private async listAll(apply: Apply<T>): Promise<void> {
    const seen = new Set<string>();
    this.#known.crowded.clear();
    const { client } = this.options;
    const version = await listPages(
      client,
      this.#path,
      (page) => this.query(page),
      (object) => {
        if (this.put(object as T, apply)) seen.add(keyOf(object));
      },
    );
    for (const key of this.#known.keys()) if (!seen.has(key)) this.remove(key, apply);
    this.#version = version;
  }

  private async readOne(apply: Apply<T>, key: string, name: string): Promise<void> {
    try {
      const object: object = await this.options.client.get(`${this.#path}/${encodeURIComponent(name)}`);
      if (!isObject(object)) throw new KubernetesError(`${this.#path}/${name} is not an object`, 0);
      this.put(object as T, apply);
    } catch (error) {
      if (!(error instanceof KubernetesError) || error.status !== 404) throw error;
      this.remove(key, apply);
    }
  }

  private async follow(
    apply: Apply<T>,
    seconds: number,
    signal: AbortSignal,
    heard: () => void = () => undefined,
  ): Promise<void> {
    const query = new URLSearchParams({
      watch: '1',
      resourceVersion: this.#version ?? '',
      allowWatchBookmarks: 'true',
      timeoutSeconds: String(seconds),
    });
    const silenceMs = Math.min(seconds * 1_000 + 10_000, SILENCE_MS);
    for await (const event of this.options.client.watch<T>(this.query(query), signal, silenceMs)) {
      this.take(event, apply);
      heard();
    }
    this.#mayWatch = true;
  }

  private take({ type, object }: WatchEvent<T>, apply: Apply<T>): void {
    // A bookmark is an object without a name.
    if (type === 'BOOKMARK' ? !isVersioned(object) : !isObject(object))
      throw new KubernetesError('the watch sent something that is not an object', 0);
    if (type === 'ADDED' || type === 'MODIFIED') this.put(object, apply);
    else if (type === 'DELETED') this.remove(keyOf(object), apply);
    this.#version = newer(this.#version, object.metadata.resourceVersion);
  }

  /** @returns whether it is looked at @throws KubernetesError where there are too many */
  private put(object: T, apply: Apply<T>): boolean {
    const what = this.#known.put(object);
    if (what === 'changed') apply(keyOf(object), object);
    return what !== 'ignored';
  }

  private remove(key: string, apply: Apply<T>): void {
    if (this.#known.remove(key)) apply(key, null);
  }

  private query(query: URLSearchParams): string {
    const selectors = this.#selectors === '' ? '' : `&${this.#selectors}`;
    return `${this.#path}?${query.toString()}${selectors}`;
  }
}

/** Two watches may run at once; neither takes the other back. Versions of one resource are numbers that grow. */
function newer(known: string | null, seen: string): string {
  if (known === null || !/^\d{1,20}$/.test(known) || !/^\d{1,20}$/.test(seen)) return seen;
  return BigInt(seen) > BigInt(known) ? seen : known;
}
