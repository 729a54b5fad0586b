import type { Edits, EditResults, Gateway, PluginEntry, Prepare, RestoreResult, Written } from '../../model';
import { changeId, type WriteResult, type Change } from '../../model';
import { AdminError, type AdminClient } from '../admin/client';
import { hasControllersEntities } from '../admin/controllers-entities';
import { readPluginEntries } from '../admin/plugin-entries';
import { DatabaseCaStore } from './ca-certificates';
import { CertificatesOfDatabase } from './certificate-list';
import { CertificateEntities } from './entities';
import { restoreOne } from './restore';
import { writeOne } from './write';

/** Writes at the same time: Kong answers faster up to about this many, and its workers stay responsive. */
const CONCURRENCY = 16;

/** After so many writes in a row that nobody answered, the rest of them waits for the next pass. */
const GIVE_UP = CONCURRENCY;

/** A Kong with a database: every certificate is written on its own. */
export class DatabaseGateway implements Gateway {
  readonly kind = 'database';
  readonly traits = { sharesDatabase: true, startsFromFile: false, writesWhole: false };
  /** Each batch is proven before the next is written, and what a rollback needs is kept that long. */
  readonly batchSize = 1000;
  readonly certificates: CertificatesOfDatabase;
  readonly caCertificates: DatabaseCaStore;
  readonly #entities: CertificateEntities;

  constructor(private readonly client: AdminClient) {
    this.certificates = new CertificatesOfDatabase(client);
    this.caCertificates = new DatabaseCaStore(client);
    this.#entities = new CertificateEntities(client, this.certificates);
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
    return hasControllersEntities(this.client);
  }

  async write({ certificates, caCertificates }: Edits, prepare: Prepare): Promise<EditResults> {
    return {
      certificates: await this.writeAll(certificates, prepare),
      caCertificates: await this.caCertificates.write(caCertificates),
    };
  }

  async restore(writes: readonly Written[]): Promise<RestoreResult[]> {
    const results: RestoreResult[] = [];
    await inGroups(
      [...writes].reverse(),
      ({ change }) => changeId(change),
      async (group) => {
        for (const write of group) results.push(await restoreOne(this.#entities, write));
      },
    );
    return results;
  }

  async remove(ids: readonly string[]): Promise<readonly string[]> {
    const kept: string[] = [];
    for (const id of ids) if (!(await this.#entities.remove(id))) kept.push(id);
    return kept;
  }

  close(): void {
    this.client.close();
  }

  private async writeAll(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    let unanswered = 0;
    let away: Error | null = null;
    // Twins of one certificate are written one after the other: each write carries both.
    await inGroups(changes, changeId, async (group) => {
      for (const change of group) {
        if (away !== null) {
          results.push({ kind: 'failed', change, error: away, failure: 'away' });
          continue;
        }
        const result = await writeOne(this.#entities, change, prepare);
        results.push(result);
        unanswered = isUnanswered(result) ? unanswered + 1 : 0;
        if (result.kind === 'failed' && unanswered >= GIVE_UP) away = result.error;
        if (change.kind === 'create' && result.kind !== 'written' && result.kind !== 'already') return;
      }
    });
    return results;
  }
}

const isUnanswered = (result: WriteResult) =>
  result.kind === 'failed' && result.error instanceof AdminError && result.error.code === 'ADMIN_UNREACHABLE';

/** Several groups at the same time; what is about one certificate is one group, in its order. */
async function inGroups<T>(
  items: readonly T[],
  idOf: (item: T) => string,
  work: (group: readonly T[]) => Promise<void>,
): Promise<void> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(idOf(item));
    if (group === undefined) groups.set(idOf(item), [item]);
    else group.push(item);
  }
  const queue = groups.values();
  const worker = async () => {
    for (const group of queue) await work(group);
  };
  await Promise.all(Array.from({ length: Math.min(CONCURRENCY, items.length) }, worker));
}
