import type { CaChange, CaResult, CaStore, StoredCa } from '../../model';
import type { AdminClient } from '../admin/client';
import { readCas } from '../admin/ca-certificates';
import type { DeclarativeDocument } from './document';
import { configurationHash } from './post';
import type { DeclarativeTarget, Passenger } from './gateway';

const SECTION = 'ca_certificates';

/** CA certificates of a Kong without a database: they go along with the post of its certificates. */
export class DeclarativeCaStore implements CaStore, Passenger {
  stored: ReadonlyMap<string, StoredCa> = new Map();
  #hash: string | null = null;
  #staged: readonly CaChange[] = [];
  #results: CaResult[] = [];
  /** Removals that have to wait, as of the last document. */
  #kept: readonly CaChange[] = [];

  constructor(
    private readonly client: AdminClient,
    private readonly target: DeclarativeTarget,
  ) {
    target.passenger = this;
  }

  async refresh(): Promise<void> {
    const hash = await configurationHash(this.client);
    if (hash === this.#hash) return;
    this.stored = await readCas(this.client);
    this.#hash = hash;
  }

  stage(changes: readonly CaChange[]): void {
    this.#staged = changes;
    this.#results = [];
  }

  async flush(): Promise<CaResult[]> {
    // Together first; where Kong refuses that, one by one.
    if (this.#staged.length > 0) await this.post(this.#staged);
    return this.#results;
  }

  private async post(changes: readonly CaChange[]): Promise<void> {
    this.#staged = changes;
    try {
      const refused = await this.target.carry();
      if (refused === null) return;
      this.#staged = [];
      if (changes.length > 1) for (const change of changes) await this.post([change]);
      else this.settle(changes, (change) => ({ kind: 'refused', change, detail: refused }));
    } catch (error) {
      this.#staged = [];
      this.settle(changes, (change) => ({ kind: 'failed', change, error: error as Error }));
    }
  }

  apply(document: DeclarativeDocument): boolean {
    for (const change of this.#staged) {
      if (change.kind === 'remove') {
        if (!document.isReferredTo(SECTION, change.id)) document.take(SECTION, change.id);
        continue;
      }
      const { ca, id } = change;
      const tags = change.kind === 'create' ? { tags: change.tags } : {};
      document.put(SECTION, id, { cert: ca.pem, cert_digest: ca.digest, ...tags });
    }
    this.#kept = this.#staged.filter(
      ({ kind, id }) => kind === 'remove' && document.isReferredTo(SECTION, id),
    );
    return this.#staged.length > this.#kept.length;
  }

  posted(): void {
    const kept = new Set(this.#kept);
    this.settle(this.#staged, (change) =>
      kept.has(change)
        ? { kind: 'kept', change, detail: 'its id stands elsewhere in the configuration' }
        : { kind: 'written', change },
    );
    this.#staged = [];
    this.#hash = null;
  }

  private settle(changes: readonly CaChange[], toResult: (change: CaChange) => CaResult): void {
    this.#results.push(...changes.map(toResult));
  }
}
