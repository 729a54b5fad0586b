import {
  changeId,
  type Change,
  type Edits,
  type EditResults,
  type Gateway,
  type PluginEntry,
  type Prepare,
  type NamedCertificate,
  type RestoreResult,
  type WriteResult,
  type Written,
} from '../../model';
import { groupBy } from '../../common/multimap';
import { AdminError, type AdminClient } from '../admin/client';
import { hasControllerEntities } from '../admin/controller-entities';
import { readPluginEntries } from '../admin/plugin-entries';
import { linked } from '../linked';
import { DatabaseCaStore } from './ca-certificates';
import { CertificatesOfDatabase } from './certificate-list';
import { Emptying } from './emptying';
import { CertificateEntities, decidedAnew } from './entities';
import { areMost, PageReads } from './page-reads';
import { restoreOne } from './restore';
import { writeOne } from './write';

/** Writes at the same time: up to about this many Kong gets faster, and its workers stay responsive. */
const CONCURRENCY = 16;

/** After so many unanswered writes in a row the others wait for the next pass. */
const GIVE_UP = CONCURRENCY;

/** Whoever waits for caches to be emptied gives up by then: no further try begins. Writes wait for the last one. */
const EMPTYING_WITHIN_MS = 2_000;

/** A Kong with a database: every certificate is written by itself. */
export class DatabaseGateway implements Gateway {
  readonly kind = 'database';
  readonly traits = { sharesDatabase: true, startsFromFile: false, writesWhole: false };
  /** Each batch is proven before the next is written; until then the former texts are kept for a rollback. */
  readonly batchSize = 1000;
  readonly certificates: CertificatesOfDatabase;
  readonly caCertificates: DatabaseCaStore;
  readonly #entities: CertificateEntities;
  /** Takes over reads that were sent ahead. */
  readonly #withReadsAhead: CertificateEntities;
  readonly #emptying = new Emptying();

  constructor(private readonly client: AdminClient) {
    this.certificates = new CertificatesOfDatabase(client);
    this.caCertificates = new DatabaseCaStore(client);
    this.#entities = new CertificateEntities(client, this.certificates);
    this.#withReadsAhead = new CertificateEntities(
      client,
      this.certificates,
      null,
      this.certificates.readsAhead,
    );
  }

  get url(): string {
    return this.client.url;
  }

  pluginEntries(): Promise<PluginEntry[]> {
    return readPluginEntries(this.client);
  }

  revision(): Promise<null> {
    return Promise.resolve(null);
  }

  hasController(): Promise<boolean> {
    return hasControllerEntities(this.client);
  }

  async write({ certificates, caCertificates }: Edits, prepare: Prepare): Promise<EditResults> {
    const results = await this.writeAll(certificates, prepare);
    this.certificates.readsAhead.clear();
    return {
      certificates: results,
      caCertificates: await this.caCertificates.write(caCertificates),
    };
  }

  async restore(writes: readonly Written[]): Promise<RestoreResult[]> {
    const results: RestoreResult[] = [];
    const entitiesFor = await this.entitiesFor(writes.length);
    await inGroups(
      [...writes].reverse(),
      ({ change }) => change,
      async (group) => {
        await this.#emptying.isOver(group.map(({ change }) => change));
        for (const write of group) results.push(await restoreOne(entitiesFor(group), write));
      },
    );
    this.certificates.readsAhead.clear();
    return results;
  }

  async emptyCaches({ id, snis }: NamedCertificate): Promise<boolean> {
    await this.#emptying.of(id, () =>
      decidedAnew(() => this.#entities.emptyCaches(id, snis), EMPTYING_WITHIN_MS),
    );
    return true;
  }

  async remove(certificates: readonly NamedCertificate[]): Promise<readonly string[]> {
    const kept: string[] = [];
    for (const { id, snis } of certificates) {
      const entity = await this.#entities.read(id);
      if (entity === null) continue;
      const isMore = entity.snis?.some((name) => !snis.includes(name)) === true;
      if (isMore || !(await this.#entities.remove(entity))) kept.push(id);
    }
    this.certificates.readsAhead.clear();
    return kept;
  }

  close(): void {
    this.client.close();
  }

  /** Of a group with several members each is read after the one before was written: names may have moved. */
  private async entitiesFor(count: number): Promise<(group: readonly unknown[]) => CertificateEntities> {
    let single = this.#withReadsAhead;
    if (areMost(count, this.certificates.stored.size)) {
      const pages = new PageReads(this.client, CONCURRENCY);
      await pages.begin();
      single = new CertificateEntities(this.client, this.certificates, pages);
    }
    return ({ length }) => (length === 1 ? single : this.#entities);
  }

  private async writeAll(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    const entitiesFor = await this.entitiesFor(changes.length);
    let unanswered = 0;
    let away: Error | null = null;
    // Twins of one certificate are written one after the other: each write sends both.
    await inGroups(
      changes,
      (change) => change,
      async (group) => {
        const missing = new Set<string>();
        await this.#emptying.isOver(group);
        for (const change of group) {
          if (missing.has(changeId(change))) continue;
          if (away !== null) {
            results.push({ kind: 'failed', change, error: away, failure: 'away' });
            continue;
          }
          const result = await writeOne(entitiesFor(group), change, prepare);
          results.push(result);
          unanswered = isUnanswered(result) ? unanswered + 1 : 0;
          if (result.kind === 'failed' && unanswered >= GIVE_UP) away = result.error;
          if (change.kind === 'create' && result.kind !== 'written' && result.kind !== 'already')
            missing.add(change.id);
        }
      },
    );
    return results;
  }
}

const isUnanswered = (result: WriteResult) =>
  result.kind === 'failed' && result.error instanceof AdminError && result.error.code === 'ADMIN_UNREACHABLE';

/** Works on several groups at the same time, in the order of Kong's lists; on the members of a group in their order. */
async function inGroups<T>(
  items: readonly T[],
  changeOf: (item: T) => Change,
  work: (group: readonly T[]) => Promise<void>,
): Promise<void> {
  const groupOf = linked(items.map(changeOf));
  const groups = [...groupBy(items, (item) => groupOf(changeOf(item)))];
  const queue = groups
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => group)
    .values();
  const worker = async () => {
    for (const group of queue) await work(group);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
}
