import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import type { Issued } from '../../src/authority/authority';
import { eventually } from '../support/eventually';
import type { Answer, TestKong } from '../scenarios/kong';
import { onItsOwn } from '../support/http';
import type { Snapshot } from './judge';

type Entity = Record<string, unknown> & { id: string };
/** Entities by their type. */
export type Content = Record<string, Entity[]>;

const TYPES = ['services', 'routes', 'consumers', 'certificates', 'snis', 'plugins'] as const;

const uuid = (kind: number, index: number) =>
  `00000000-0000-4000-800${kind}-${String(index).padStart(12, '0')}`;
export const certificateId = (index: number): string => uuid(0, index);
export const sniId = (index: number): string => uuid(1, index);
export const entryId = uuid(2, 0);
const serviceId = uuid(3, 0);
/** Of others, and in Kong only where a fault asks for it. */
const rivalId = uuid(0, 999_999);
const scopedEntryId = uuid(2, 1);

/**
 * Content of Kong at the start: a certificate with tags for each name, one that no source has, and routes of
 * others.
 */
export function contentOf(
  names: readonly string[],
  pairs: readonly Issued[],
  stranger: Issued,
  config: object,
): Content {
  const all = [...pairs, stranger];
  return {
    services: [{ id: serviceId, name: 'shop', host: '127.0.0.1', port: 1, protocol: 'http' }],
    routes: [{ id: uuid(4, 0), name: 'shop', paths: ['/shop'], service: { id: serviceId } }],
    consumers: [0, 1, 2].map((at) => ({ id: uuid(5, at), username: `user-${at}`, custom_id: `${at}e5` })),
    certificates: all.map(({ chain: cert, key }, at) => ({
      id: certificateId(at),
      cert,
      key,
      tags: ['by-hand'],
    })),
    snis: [...names, 'stranger.test'].map((name, at) => ({
      ...{ id: sniId(at), name },
      certificate: { id: certificateId(at) },
    })),
    plugins: [{ id: entryId, name: 'ssl-cert-reloader', config }],
  };
}

export const documentOf = (content: Content): string =>
  JSON.stringify({ _format_version: '3.0', ...content });

async function admin({ adminUrl }: TestKong, method: string, path: string, body?: unknown): Promise<Answer> {
  const response = await fetch(adminUrl + path, { method, ...onItsOwn(body) });
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

/** Every entity without what the plugin is there to change: the texts of the first certificates, and times. */
export async function entitiesOf(kong: TestKong, renewed: number): Promise<Snapshot> {
  const entities: Record<string, string> = {};
  const isRenewed = new Set([
    rivalId,
    ...Array.from({ length: renewed }, (_, index) => certificateId(index)),
  ]);
  for (const type of TYPES) {
    for (let path: string | null = `/${type}?size=1000`; path !== null;) {
      const { status, body } = await admin(kong, 'GET', path);
      if (status !== 200) throw new Error(`${path} answered ${status}`);
      const page = body as { data: Entity[]; next: string | null };
      for (const { updated_at: _, ...entity } of page.data) {
        const isOurs = type === 'certificates' && isRenewed.has(entity.id);
        entities[`${type}/${entity.id}`] = textOf(entity, isOurs);
      }
      path = page.next;
    }
  }
  return entities;
}

function textOf(entity: Entity, isRenewed: boolean): string {
  const names = Object.keys(entity).filter((name) => !isRenewed || (name !== 'cert' && name !== 'key'));
  return JSON.stringify(entity, names.sort());
}

/** Another client of the Admin API, without any care for the plugin. */
export class OtherWriter {
  /** Expected final state of each entity that it changed; null: gone. */
  readonly changes = new Map<string, string | null>();
  /**
   * Without a database, what we overwrite and restore may be missing for a moment. Whoever reads then, and posts what
   * was read, takes it out of Kong himself; this one knows what it made.
   */
  readonly #consumers = new Map<string, Entity>();

  /**
   * @param posting told of every whole configuration before it is posted; it may hold certificates that we have
   * replaced since it was read, which Kong's API does not let anybody prevent
   */
  constructor(
    private readonly kong: TestKong,
    private readonly posting: (content: Content, work: () => Promise<void>) => Promise<void>,
  ) {}

  /** From now on its changes count. */
  begin(): void {
    this.changes.clear();
    this.#consumers.clear();
  }

  get #hasDatabase(): boolean {
    return this.kong.mode === 'database';
  }

  /** Brings everything into an empty Kong that has a database. */
  async load(content: Content): Promise<void> {
    for (const [type, entities] of Object.entries(content)) {
      for (const { id, ...entity } of entities) await this.#send('PUT', `/${type}/${id}`, entity);
    }
  }

  /** Without a database: everything, in the form in which Kong takes it again. */
  async read(): Promise<Content> {
    const { body } = await this.#send('GET', '/config');
    const exported = load((body as { config: string }).config) as Content;
    // SNIs are exported twice, and Kong takes them once.
    for (const certificate of exported['certificates'] ?? []) delete certificate['snis'];
    return exported;
  }

  async putCertificate(id: string, { chain: cert, key }: Issued): Promise<void> {
    if (this.#hasDatabase) await this.#send('PATCH', `/certificates/${id}`, { cert, key });
    else await this.#edit((content) => Object.assign(find(content, 'certificates', id), { cert, key }));
  }

  putEntry(config: object, enabled: boolean): Promise<void> {
    return this.#put('plugins', entryId, { name: 'ssl-cert-reloader', config, enabled });
  }

  removeEntry(): Promise<void> {
    return this.#remove('plugins', entryId);
  }

  /** Another entry of the plugin, for one service. */
  putScopedEntry(config: object): Promise<void> {
    const service = { id: serviceId };
    return this.#put('plugins', scopedEntryId, { name: 'ssl-cert-reloader', service, config });
  }

  removeScopedEntry(): Promise<void> {
    return this.#remove('plugins', scopedEntryId);
  }

  addConsumer(index: number): Promise<void> {
    const consumer = { username: `new-${index}-${Date.now()}`, custom_id: `0${index}${Date.now()}` };
    return this.#put('consumers', uuid(6, index), consumer);
  }

  /** With a database: nothing else of it. */
  async putTags(id: string, tags: readonly string[]): Promise<void> {
    await this.#send('PATCH', `/certificates/${id}`, { tags });
    await this.#remember('certificates', id);
  }

  /** A certificate of its own, and the name goes over to it. */
  async takeName(index: number, { chain: cert, key }: Issued): Promise<void> {
    const certificate = { id: rivalId };
    if (this.#hasDatabase) {
      await this.#put('certificates', rivalId, { cert, key, tags: ['theirs'] });
      await this.#send('PATCH', `/snis/${sniId(index)}`, { certificate });
    } else {
      await this.#edit((content) => {
        content['certificates']?.push({ id: rivalId, cert, key, tags: ['theirs'] });
        Object.assign(find(content, 'snis', sniId(index)), { certificate });
      });
    }
    for (const [type, id] of [
      ['snis', sniId(index)],
      ['certificates', certificateId(index)],
      ['certificates', rivalId],
    ] as const)
      await this.#remember(type, id);
  }

  /** Without a database: the whole configuration, whatever there is. */
  async post(content: Content): Promise<void> {
    await this.posting(content, async () => {
      await this.#send('POST', '/config', { config: documentOf(content) });
    });
  }

  /** Without a database: this content with one consumer more, which takes the place of the one before. */
  async postGeneration(content: Content, turn: number): Promise<void> {
    const consumer = { id: uuid(7, turn), username: `generation-${turn}` };
    const others = (content['consumers'] ?? []).filter(({ id }) => id !== consumer.id);
    await this.post({ ...content, consumers: [...others, consumer] });
    for (const id of this.#consumers.keys()) this.changes.set(`consumers/${id}`, null);
    this.#consumers.clear();
    await this.#remember('consumers', consumer.id);
  }

  /** With its SNI. */
  async removeCertificate(index: number): Promise<void> {
    const [id, sni] = [certificateId(index), sniId(index)];
    if (this.#hasDatabase) await this.#send('DELETE', `/certificates/${id}`);
    else {
      await this.#edit((content) => {
        const without = (type: string, gone: string) =>
          content[type]?.filter((entity) => entity.id !== gone) ?? [];
        content['certificates'] = without('certificates', id);
        content['snis'] = without('snis', sni);
      });
    }
    this.changes.set(`certificates/${id}`, null).set(`snis/${sni}`, null);
  }

  async #edit(change: (content: Content) => unknown): Promise<void> {
    const content = await this.read();
    const there = (content['consumers'] ??= []);
    there.push(...[...this.#consumers.values()].filter((own) => !there.some(({ id }) => id === own.id)));
    change(content);
    await this.post(content);
  }

  async #put(type: string, id: string, entity: object): Promise<void> {
    if (this.#hasDatabase) await this.#send('PUT', `/${type}/${id}`, entity);
    else {
      await this.#edit((content) => {
        const entities = (content[type] ??= []);
        const there = entities.find((one) => one.id === id);
        if (there === undefined) entities.push({ id, ...entity });
        else Object.assign(there, entity);
      });
    }
    await this.#remember(type, id);
  }

  async #remove(type: string, id: string): Promise<void> {
    if (this.#hasDatabase) await this.#send('DELETE', `/${type}/${id}`);
    else await this.#edit((content) => (content[type] = content[type]?.filter((one) => one.id !== id) ?? []));
    this.changes.set(`${type}/${id}`, null);
  }

  /** An entity as Kong shows it now is how it has to stay. */
  async #remember(type: string, id: string): Promise<void> {
    const look = async () => (await this.#send('GET', `/${type}/${id}`)).body as Entity;
    // Without a database somebody else's post may have taken it back for a moment.
    const { updated_at: _, ...entity } = await eventually(`${id} is there`, look, 10_000).catch(
      (): Entity => ({ id }),
    );
    this.changes.set(`${type}/${id}`, textOf(entity, type === 'certificates'));
    const given = Object.entries(entity).filter(([, value]) => value !== null);
    if (type === 'consumers') this.#consumers.set(id, Object.fromEntries(given) as Entity);
  }

  /** Tried again while Kong is busy or restarts: each of these writes may be made twice. */
  async #send(method: string, path: string, body?: unknown): Promise<Answer> {
    for (let attempt = 0; ; attempt++) {
      const answer = await admin(this.kong, method, path, body).catch((error: unknown) => {
        if (attempt === 20) throw error;
        return sleep(50, null);
      });
      if (answer === null) continue;
      if (answer.status < 300) return answer;
      if (attempt === 20 || answer.status < 429)
        throw new Error(`${method} ${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
  }
}

function find(content: Content, type: string, id: string): Entity {
  const entity = content[type]?.find((one) => one.id === id);
  if (entity === undefined) throw new Error(`Kong has no ${type}/${id}`);
  return entity;
}
