import {
  changeId,
  isRefusal,
  type CaResult,
  type Change,
  type Edits,
  type EditResults,
  type Gateway,
  type PluginEntry,
  type Prepare,
  type NamedCertificate,
  type RestoreResult,
  type StoredCertificate,
  type WriteResult,
  type Written,
} from '../../model';
import { Slices } from '../../common/slices';
import { resultOfError } from '../admin/answers';
import { AdminError, type AdminClient } from '../admin/client';
import { hasControllerEntities } from '../admin/controller-entities';
import { readPluginEntries } from '../admin/plugin-entries';
import { DeclarativeCaStore } from './ca-certificates';
import { DocumentCertificates } from './certificates';
import { CertificatesOfConfiguration } from './certificate-list';
import { restorePair, type Ready } from './edit';
import { ConfigurationEditor, type EditorOptions } from './editor';
import { ConfigurationState } from './state';
import { Batch } from './batch';

/**
 * A Kong without a database: the whole configuration is read, edited and posted back, and only while its hash shows
 * that no other writer posted in between.
 */
export class DeclarativeGateway implements Gateway {
  readonly kind = 'dbless';
  readonly traits = { sharesDatabase: false, startsFromFile: true, writesWhole: true };
  /** One post contains all certificates, however many changed. */
  readonly batchSize = Number.POSITIVE_INFINITY;
  readonly certificates: CertificatesOfConfiguration;
  readonly caCertificates: DeclarativeCaStore;
  readonly #editor: ConfigurationEditor;
  readonly #state: ConfigurationState;

  constructor(
    private readonly client: AdminClient,
    options?: EditorOptions,
  ) {
    this.#state = new ConfigurationState(client);
    this.#editor = new ConfigurationEditor(client, this.#state, options);
    this.certificates = new CertificatesOfConfiguration(client, this.#state, (hash) =>
      this.#editor.noteChange(hash),
    );
    this.caCertificates = new DeclarativeCaStore(client, this.#state);
  }

  get url(): string {
    return this.client.url;
  }

  pluginEntries(): Promise<PluginEntry[]> {
    return readPluginEntries(this.client);
  }

  revision(): Promise<string> {
    return this.#state.hash();
  }

  hasController(): Promise<boolean> {
    return hasControllerEntities(this.client);
  }

  async write({ certificates, caCertificates }: Edits, prepare: Prepare): Promise<EditResults> {
    // Kong exports while the changes go through the gate.
    if (certificates.length > 0) this.#editor.readAhead();
    const { ready, results } = await prepareAll(certificates, prepare);
    const batch = new Batch(this.#editor, this.certificates);
    const cas: CaResult[] = await batch.write(ready, caCertificates);
    this.#editor.forget();
    return { certificates: [...results, ...batch.results], caCertificates: cas };
  }

  async restore(writes: readonly Written[]): Promise<RestoreResult[]> {
    if (writes.length === 0) return [];
    let results: RestoreResult[] = [];
    try {
      let edits: DocumentCertificates | null = null;
      const edited = await this.#editor.edit(async (document) => {
        const certificates = await DocumentCertificates.of(document);
        edits = certificates;
        results = [];
        const slices = new Slices();
        for (const write of [...writes].reverse()) {
          const texts = await this.certificates.textsIn(certificates, changeId(write.change));
          const isRestored = restorePair(certificates, write, texts);
          results.push({ kind: isRestored ? 'restored' : 'overtaken', write });
          if (slices.due) await slices.pause();
        }
        return results.some(({ kind }) => kind === 'restored');
      });
      if (edited.kind === 'refused') throw refusedError(edited.why.message);
      await this.certificates.follow(edited, edits, { former: formerOf(writes) });
      return results;
    } catch (error) {
      return writes.map((write) => ({ kind: 'failed', write, error: error as Error }));
    }
  }

  /** Not needed: Kong stores a configuration and tells its workers in one step, so no answer of a database can get lost. */
  emptyCaches(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async remove(all: readonly NamedCertificate[]): Promise<readonly string[]> {
    let kept = new Set<string>();
    let edits: DocumentCertificates | null = null;
    const edited = await this.#editor.edit(async (document) => {
      const certificates = await DocumentCertificates.of(document);
      edits = certificates;
      kept = document.referredTo('certificates', new Set(all.map(({ id }) => id)), 'snis');
      for (const { id, snis } of all)
        if (certificates.snisOf(id).some((name) => !snis.includes(name))) kept.add(id);
      const found = all.filter(({ id }) => certificates.has(id) && !kept.has(id));
      for (const { id } of found) certificates.remove(id);
      return found.length > 0;
    });
    if (edited.kind === 'refused') throw refusedError(edited.why.message);
    await this.certificates.follow(edited, edits);
    return [...kept];
  }

  close(): void {
    this.client.close();
  }
}

/** The certificates as they were before these writes, by id. */
const formerOf = (writes: readonly Written[]): ReadonlyMap<string, StoredCertificate> =>
  new Map(
    writes.flatMap(({ change }) =>
      change.kind === 'update' ? [[changeId(change), change.certificate]] : [],
    ),
  );

const refusedError = (message: string) =>
  new AdminError('ADMIN_STATUS', `Kong refused its own previous configuration: ${message}`, 400);

/** Puts every change through the gate before anything is written. */
async function prepareAll(
  changes: readonly Change[],
  prepare: Prepare,
): Promise<{ ready: Ready[]; results: WriteResult[] }> {
  const results: WriteResult[] = [];
  const ready: Ready[] = [];
  const without = new Set<string>();
  const slices = new Slices();
  for (const change of changes) {
    if (slices.due) await slices.pause();
    const id = changeId(change);
    if (without.has(id)) continue;
    try {
      const fresh = await prepare(change);
      if (isRefusal(fresh)) results.push({ kind: 'refused', change, refusal: fresh });
      else {
        ready.push({ change, fresh });
        continue;
      }
    } catch (error) {
      results.push(resultOfError(change, error));
    }
    if (change.kind === 'create') without.add(id);
  }
  return { ready, results };
}
