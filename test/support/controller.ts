import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Mode } from '../gateway';

/** A certificate as the controller wants it. */
export interface WantedCertificate {
  /** The UID of its Secret. */
  id: string;
  cert: string;
  key: string;
  snis: readonly string[];
  /** Tags that name the Secret, from 3.4.17 and 3.5.10 on. */
  tags: readonly string[];
}

/** The configuration that the controller wants Kong to have. */
export interface WantedConfiguration {
  certificates: readonly WantedCertificate[];
  /** Paths; each is a route of its own. */
  routes: readonly string[];
  /** Global plugins, of KongClusterPlugins. */
  plugins?: readonly { name: string; config: object }[];
  /** Kong does not take it: one plugin has a configuration that does not fit its schema. */
  isBroken?: boolean;
}

const MANAGED = 'managed-by-ingress-controller';
const NO_HASH = '0'.repeat(32);

/** Result of one round. */
export type Round = 'unchanged' | 'pushed' | 'fell back';

/**
 * Writes to a gateway as the ingress controller does, one round (`sync`) for each of its ticks of 3 s. Seen of 3.4.0 and
 * 3.5.13:
 *
 * - Without a database it posts the whole configuration, and only when that differs from what it posted last or Kong's
 *   hash is 32 zeros. It neither looks at what others posted nor takes it back.
 * - With a database it compares what it wants with the entities that carry its tag, creates certificates without SNIs,
 *   then their SNIs, then deletes what it does not want any more. A 409 (somebody's SNI) ends the round.
 * - What Kong does not take makes it fall back to the last configuration that was taken, in each round anew.
 * - Restarted while its configuration is broken it has no last one. Without a database it pushes what it reads in Kong:
 *   without global plugins, and with certificates that have new ids and no SNI. With a database it leaves Kong alone.
 * - It trims the PEM texts, and tags routes and plugins with the kind of what they come from in both modes.
 * - When it starts it asks `GET /`, and waits until that is answered with 200.
 * - Restarted with a database it waits for its Lease: the first push comes after 25 s, without one after 9 s.
 */
export class ScriptedController {
  /** Rounds that wrote something. */
  posts = 0;
  #last: string | null = null;
  #lastValid: WantedConfiguration | null = null;
  #isStarted = false;

  constructor(
    private readonly adminUrl: string,
    private readonly mode: Mode,
    /** Reads the cluster. */
    public wanted: () => WantedConfiguration,
  ) {}

  /** @returns whether it is ready for its first round */
  async start(): Promise<boolean> {
    this.#isStarted = (await fetch(this.adminUrl)).status === 200;
    return this.#isStarted;
  }

  /** Forgets what it had pushed. */
  restart(): void {
    this.#last = null;
    this.#lastValid = null;
    this.#isStarted = false;
  }

  /** One of its rounds. */
  async sync(): Promise<Round> {
    if (!this.#isStarted && !(await this.start())) return 'unchanged';
    const wanted = this.wanted();
    const isTaken = await this.push(wanted);
    if (isTaken !== null) {
      this.#lastValid = wanted;
      return isTaken ? 'pushed' : 'unchanged';
    }
    if (this.#lastValid === null && this.mode === 'dbless') this.#lastValid = await this.readFromKong();
    if (this.#lastValid !== null) await this.push(this.#lastValid);
    return 'fell back';
  }

  private async readFromKong(): Promise<WantedConfiguration> {
    const [certificates = [], routes = []] = await Promise.all(
      ['certificates', 'routes'].map(async (kind) => {
        const { body } = await this.ask('GET', `/${kind}?size=1000`);
        return (body as { data: Entity[] }).data;
      }),
    );
    return {
      certificates: certificates.map(({ cert = '', key = '', tags = [] }) => ({
        ...{ id: randomUUID(), cert, key, snis: [], tags },
      })),
      routes: routes.flatMap(({ paths = [] }) => paths),
    };
  }

  /** @returns whether there was anything to push; null: Kong does not take it */
  private async push(wanted: WantedConfiguration): Promise<boolean | null> {
    const isPushed = await (this.mode === 'dbless' ? this.post(wanted) : this.reconcile(wanted));
    if (isPushed === true) this.posts += 1;
    return isPushed;
  }

  private async post({ isBroken = false, ...wanted }: WantedConfiguration): Promise<boolean | null> {
    const config = documentOf(wanted, isBroken);
    const isEmpty = async () => {
      const { body } = await this.ask('GET', '/status');
      return (body as { configuration_hash?: string }).configuration_hash === NO_HASH;
    };
    if (config === this.#last && !(await isEmpty())) return false;
    for (let attempt = 1; ; attempt++) {
      // In another order than ours, so that a test can tell the posts apart.
      const { status } = await this.ask('POST', '/config?flatten_errors=1&check_hash=1', config);
      if (status === 201 || status === 304) break;
      if (status === 400) return null;
      if (attempt === 5) throw new Error(`the controller's POST /config answered ${status}`);
      await sleep(20);
    }
    this.#last = config;
    return true;
  }

  private async reconcile({
    certificates,
    routes,
    plugins = [],
    isBroken,
  }: WantedConfiguration): Promise<boolean | null> {
    if (isBroken === true) return null;
    let hasWritten = false;
    const write = async (method: string, path: string, body?: object): Promise<boolean> => {
      const { status } = await this.ask(method, path, body);
      hasWritten = true;
      if (status === 409 || status === 400) return false;
      if (status >= 300) throw new Error(`the controller's ${method} ${path} answered ${status}`);
      return true;
    };
    const tags = [MANAGED];
    const names = new Map(certificates.flatMap(({ id, snis }) => snis.map((name) => [name, id] as const)));
    const own = {
      certificates: await this.own('certificates'),
      snis: await this.own('snis'),
      routes: await this.own('routes'),
      plugins: await this.own('plugins'),
    };
    for (const wanted of certificates) {
      const row = own.certificates.find(({ id }) => id === wanted.id);
      const pair = { cert: wanted.cert.trim(), key: wanted.key.trim(), tags: [...tags, ...wanted.tags] };
      if (row === undefined) {
        if (!(await write('POST', '/certificates', { id: wanted.id, ...pair }))) return null;
      } else if (row.cert !== pair.cert || row.key !== pair.key) {
        // A PUT without SNIs would take them away.
        const snis = own.snis.flatMap(({ name, certificate }) =>
          certificate?.id === wanted.id && name !== undefined ? [name] : [],
        );
        if (!(await write('PUT', `/certificates/${wanted.id}`, { ...pair, snis }))) return null;
      }
    }
    for (const [name, id] of names) {
      const row = own.snis.find((sni) => sni.name === name);
      if (row?.certificate?.id === id) continue;
      const sni = { name, certificate: { id }, tags };
      const isDone =
        row === undefined ? await write('POST', '/snis', sni) : await write('PUT', `/snis/${row.id}`, sni);
      if (!isDone) return null;
    }
    for (const { id, name = '' } of own.snis) if (!names.has(name)) await write('DELETE', `/snis/${id}`);
    for (const { id } of own.certificates)
      if (!certificates.some((one) => one.id === id)) await write('DELETE', `/certificates/${id}`);
    for (const path of routes)
      if (!own.routes.some(({ name }) => name === routeName(path)))
        await write('POST', '/routes', {
          ...{ name: routeName(path), paths: [path] },
          tags: [...tags, 'k8s-kind:Ingress'],
        });
    for (const { id, name = '' } of own.routes)
      if (!routes.some((path) => routeName(path) === name)) await write('DELETE', `/routes/${id}`);
    for (const plugin of plugins)
      if (!own.plugins.some(({ name }) => name === plugin.name))
        await write('POST', '/plugins', { ...plugin, tags: [...tags, 'k8s-kind:KongClusterPlugin'] });
    for (const { id, name } of own.plugins)
      if (!plugins.some((plugin) => plugin.name === name)) await write('DELETE', `/plugins/${id}`);
    return hasWritten;
  }

  /** Its entities of a kind. */
  private async own(kind: string): Promise<Entity[]> {
    const { body } = await this.ask('GET', `/${kind}?size=1000&tags=${MANAGED}`);
    return (body as { data: Entity[] }).data;
  }

  private async ask(
    method: string,
    path: string,
    body?: object | string,
  ): Promise<{ status: number; body: unknown }> {
    const text = typeof body === 'object' ? JSON.stringify(body) : body;
    const response = await fetch(`${this.adminUrl}${path}`, {
      method,
      ...(text === undefined ? {} : { body: text, headers: { 'content-type': 'application/json' } }),
    });
    const answer = await response.text();
    return { status: response.status, body: answer === '' ? null : JSON.parse(answer) };
  }
}

/** The fields that matter here. */
interface Entity {
  id: string;
  name?: string;
  cert?: string;
  key?: string;
  tags?: string[];
  paths?: string[];
  certificate?: { id: string };
}

const routeName = (path: string) => `shop.web${path.replaceAll('/', '.')}`;

function documentOf(
  { certificates, routes, plugins = [] }: Omit<WantedConfiguration, 'isBroken'>,
  isBroken: boolean,
): string {
  return JSON.stringify({
    _format_version: '3.0',
    certificates: certificates.map(({ id, cert, key, snis, tags }) => ({
      ...{ id, cert: cert.trim(), key: key.trim() },
      ...{ snis: snis.map((name) => ({ name })), tags },
    })),
    services: [
      {
        ...{ name: 'shop.web.80', host: 'web.shop.80.svc' },
        routes: routes.map((path) => ({
          ...{ name: routeName(path), paths: [path] },
          tags: ['k8s-kind:Ingress'],
        })),
      },
    ],
    plugins: plugins.map((plugin) => ({ ...plugin, tags: ['k8s-kind:KongClusterPlugin'] })),
    // Kong does not take what it does not know.
    ...(isBroken ? { no_such_entities: [] } : {}),
  });
}
