import { writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { testFolder } from './folders';
import { httpServer, type Seen } from './https-server';

/** An object of a cluster as JSON. */
export interface ClusterObject {
  metadata: {
    name: string;
    namespace: string;
    uid?: string;
    resourceVersion?: string;
    creationTimestamp?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
  };
  [field: string]: unknown;
}

type Answer = (response: ServerResponse) => void;

/** Something that happened, as a watch tells it. */
interface Event {
  version: number;
  plural: string;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: ClusterObject;
}

/** A path of the API: `/api/v1/namespaces/shop/secrets/www`, `/apis/GROUP/v1/PLURAL`. */
const PATH = /^(\/api\/v1|\/apis\/[^/]+\/[^/]+)(?:\/namespaces\/([^/]+))?\/([^/]+)(?:\/([^/]+))?$/;

/**
 * A stand-in for the part of the Kubernetes API that is used: lists in pages, watches, single objects. `test/kubernetes`
 * holds the project against a real server; this one can misbehave.
 */
export class StandInCluster {
  url = '';
  seen: Seen[] = [];
  /** Watches that are open. */
  watches = 0;
  /** Length of a watch's second, in milliseconds. */
  secondMs = 1_000;
  /** Octets of answers. */
  sentBytes = 0;
  /** Tried before everything else; null: the usual answer. */
  intercept: (seen: Seen, url: URL) => Answer | null = () => null;
  /** Collections that exist, beside those that hold something. */
  readonly #apis = new Map<string, Set<string>>([
    ['/api/v1', new Set(['secrets', 'configmaps'])],
    ['/apis/networking.k8s.io/v1', new Set(['ingresses'])],
  ]);
  readonly #objects = new Map<string, ClusterObject>();
  readonly #events: Event[] = [];
  readonly #open = new Set<(event: Event) => void>();
  readonly #pages = new Map<string, ClusterObject[]>();
  readonly #watching = new Set<ServerResponse>();
  #frozen: (() => void)[] | null = null;
  #version = 1;
  #connections = () => 0;

  static async start(): Promise<StandInCluster> {
    const cluster = new StandInCluster();
    const server = await httpServer((seen, response) => cluster.answer(seen, response));
    cluster.url = server.url;
    cluster.seen = server.seen;
    cluster.#connections = server.connections;
    return cluster;
  }

  /** Number of open connections. */
  get connections(): number {
    return this.#connections();
  }

  /** Takes requests and answers them when it goes on, as a process that is stopped and continued. */
  freeze(): void {
    this.#frozen = [];
  }

  thaw(): void {
    const frozen = this.#frozen ?? [];
    this.#frozen = null;
    for (const answer of frozen) answer();
  }

  /** Ends the watches that are open, as the API server does now and then. */
  endWatches(): void {
    for (const response of [...this.#watching]) response.end();
  }

  /** The path of a kubeconfig that leads here. */
  kubeconfig(): string {
    const path = join(testFolder(), 'kubeconfig');
    const config = {
      'current-context': 'here',
      contexts: [{ name: 'here', context: { cluster: 'here', user: 'me', namespace: 'default' } }],
      clusters: [{ name: 'here', cluster: { server: this.url } }],
      users: [{ name: 'me', user: { token: 'a-s3cret-token-of-the-cluster' } }],
    };
    // JSON is YAML.
    writeFileSync(path, JSON.stringify(config));
    return path;
  }

  /** A TLS Secret of a pair, or of texts as they are. @returns its UID */
  putSecret(
    namespace: string,
    name: string,
    { chain, key }: { chain: string; key: string },
    metadata: Partial<ClusterObject['metadata']> = {},
  ): string {
    const data = { 'tls.crt': base64(chain), 'tls.key': base64(key) };
    return this.put('secrets', {
      metadata: { name, namespace, ...metadata },
      type: 'kubernetes.io/tls',
      data,
    });
  }

  /** The API server has a kind: `install('/apis/GROUP/v1', 'PLURAL')`. */
  install(api: string, ...plurals: string[]): void {
    this.#apis.set(api, new Set([...(this.#apis.get(api) ?? []), ...plurals]));
  }

  /** Makes or replaces an object. @returns its UID */
  put(plural: string, object: ClusterObject): string {
    if (![...this.#apis.values()].some((plurals) => plurals.has(plural)))
      throw new Error(`no ${plural} here`);
    const id = idOf(plural, object);
    const before = this.#objects.get(id);
    const version = ++this.#version;
    const { uid = before?.metadata.uid ?? `uid-${version}`, creationTimestamp } = object.metadata;
    const stored = {
      ...object,
      metadata: {
        ...object.metadata,
        uid,
        creationTimestamp:
          creationTimestamp ??
          before?.metadata.creationTimestamp ??
          new Date(Date.UTC(2026, 0, 1) + version * 1000).toISOString(),
        resourceVersion: String(version),
      },
    };
    this.#objects.set(id, stored);
    this.tell({ version, plural, type: before === undefined ? 'ADDED' : 'MODIFIED', object: stored });
    return uid;
  }

  remove(plural: string, namespace: string, name: string): void {
    const object = this.#objects.get(`${plural} ${namespace}/${name}`);
    if (object === undefined) return;
    this.#objects.delete(idOf(plural, object));
    const version = ++this.#version;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    this.tell({ version, plural, type: 'DELETED', object: { ...object, metadata } });
  }

  /** Every object of a kind, as it is now. */
  objects(plural: string): ClusterObject[] {
    return [...this.#objects].flatMap(([id, object]) => (id.startsWith(`${plural} `) ? [object] : []));
  }

  /** Forgets what happened: whoever watches from an older version has to list. */
  compact(): void {
    this.#events.length = 0;
    this.#version += 1;
  }

  /** Requests since the last call, without their query: `GET /api/v1/secrets`; watches begin with `WATCH`. */
  requests(): string[] {
    return this.seen.splice(0).map(({ method, path }) => {
      const { pathname, searchParams } = new URL(path, this.url);
      return `${searchParams.get('watch') === '1' ? 'WATCH' : method} ${pathname}`;
    });
  }

  private tell(event: Event): void {
    this.#events.push(event);
    for (const listener of this.#open) listener(event);
  }

  private answer(seen: Seen, response: ServerResponse): void {
    if (this.#frozen !== null) {
      this.#frozen.push(() => this.answer(seen, response));
      return;
    }
    const url = new URL(seen.path, this.url);
    const other = this.intercept(seen, url);
    if (other !== null) {
      other(response);
      return;
    }
    const plurals = this.#apis.get(url.pathname);
    if (plurals !== undefined) {
      this.send(response, { resources: [...plurals].map((name) => ({ name })) });
      return;
    }
    const [, api = '', namespace, plural = '', name] = PATH.exec(url.pathname) ?? [];
    // Few service accounts may look at them.
    if (plural === 'namespaces') {
      sendStatus(response, 403, 'namespaces is forbidden');
      return;
    }
    if (this.#apis.get(api)?.has(plural) !== true) {
      sendStatus(response, 404, 'the server could not find the requested resource');
      return;
    }
    const matches = matcherOf(url.searchParams, namespace);
    if (name !== undefined) {
      const object = this.#objects.get(`${plural} ${namespace ?? ''}/${name}`);
      if (object === undefined) {
        sendStatus(response, 404, `${plural} "${name}" not found`);
        return;
      }
      this.send(response, object);
      return;
    }
    if (url.searchParams.get('watch') === '1') {
      this.watch(response, url, plural, matches);
      return;
    }
    this.list(response, url, plural, matches);
  }

  private list(
    response: ServerResponse,
    { searchParams }: URL,
    plural: string,
    matches: (object: ClusterObject) => boolean,
  ): void {
    const limit = Number(searchParams.get('limit') ?? Infinity);
    const token = searchParams.get('continue');
    const rest =
      token === null
        ? [...this.#objects]
            .filter(([id, one]) => id.startsWith(`${plural} `) && matches(one))
            .map(([, one]) => one)
        : this.#pages.get(token);
    if (rest === undefined) {
      sendStatus(response, 410, 'The provided continue parameter is too old');
      return;
    }
    const items = rest.slice(0, limit);
    const next = rest.length > limit ? `page-${this.#pages.size}` : '';
    if (next !== '') this.#pages.set(next, rest.slice(limit));
    const metadata = { resourceVersion: String(this.#version), continue: next };
    void this.stream(response, metadata, items);
  }

  /** One object after the other: whoever does not want them all need not get them all. */
  private async stream(
    response: ServerResponse,
    metadata: object,
    items: readonly ClusterObject[],
  ): Promise<void> {
    response.writeHead(200, { 'content-type': 'application/json' });
    const closed = new Promise((resolve) => response.once('close', resolve));
    const write = async (text: string) => {
      this.sentBytes += text.length;
      if (response.write(text)) return;
      await Promise.race([new Promise((resolve) => response.once('drain', resolve)), closed]);
    };
    await write(`{"metadata":${JSON.stringify(metadata)},"items":[`);
    for (const [index, item] of items.entries()) {
      if (response.destroyed) return;
      await write(`${index === 0 ? '' : ','}${JSON.stringify(item)}`);
    }
    response.end(']}');
  }

  private watch(
    response: ServerResponse,
    { searchParams }: URL,
    plural: string,
    matches: (object: ClusterObject) => boolean,
  ): void {
    const from = Number(searchParams.get('resourceVersion'));
    const oldest = this.#events[0]?.version ?? this.#version + 1;
    if (from < oldest - 1 && from < this.#version) {
      sendStatus(response, 410, 'too old resource version');
      return;
    }
    this.watches += 1;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.flushHeaders();
    const tell = (event: Event) => {
      if (event.version <= from || event.plural !== plural || !matches(event.object)) return;
      this.write(response, `${JSON.stringify({ type: event.type, object: event.object })}\n`);
    };
    for (const event of this.#events) tell(event);
    const bookmark = { metadata: { resourceVersion: String(this.#version) } };
    this.write(response, `${JSON.stringify({ type: 'BOOKMARK', object: bookmark })}\n`);
    this.#open.add(tell);
    this.#watching.add(response);
    const timer = setTimeout(
      () => response.end(),
      Number(searchParams.get('timeoutSeconds') ?? 60) * this.secondMs,
    );
    response.on('close', () => {
      clearTimeout(timer);
      this.#open.delete(tell);
      this.#watching.delete(response);
      this.watches -= 1;
    });
  }

  private send(response: ServerResponse, body: object): void {
    response.writeHead(200, { 'content-type': 'application/json' });
    const text = JSON.stringify(body);
    this.sentBytes += text.length;
    response.end(text);
  }

  private write(response: ServerResponse, text: string): void {
    this.sentBytes += text.length;
    response.write(text);
  }
}

/** Answers with an error in the API server's format. */
export function sendStatus(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ kind: 'Status', status: 'Failure', message, code }));
}

const base64 = (text: string) => Buffer.from(text, 'latin1').toString('base64');

const idOf = (plural: string, { metadata }: ClusterObject) =>
  `${plural} ${metadata.namespace}/${metadata.name}`;

function matcherOf(query: URLSearchParams, namespace: string | undefined) {
  const fields = pairsOf(query.get('fieldSelector'));
  const labels = pairsOf(query.get('labelSelector'));
  return ({ metadata, type }: ClusterObject): boolean =>
    (namespace === undefined || metadata.namespace === namespace) &&
    fields.every(([field, value]) => (field === 'type' ? type : metadata.name) === value) &&
    labels.every(([label, value]) => metadata.labels?.[label] === value);
}

const pairsOf = (selector: string | null): [string, string][] =>
  (selector ?? '')
    .split(',')
    .filter((part) => part !== '')
    .map((part) => part.split('=') as [string, string]);
