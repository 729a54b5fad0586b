import type { CaChange, CaResult, CaStore, StoredCa } from '../../model';
import { readCas } from '../admin/ca-certificates';
import type { AdminClient } from '../admin/client';
import type { DeclarativeDocument } from './document';
import type { ConfigurationState } from './state';

const SECTION = 'ca_certificates';

/** CA certificates of a Kong without a database, read again when the configuration's hash has changed. */
export class DeclarativeCaStore implements CaStore {
  stored: ReadonlyMap<string, StoredCa> = new Map();
  #hash: string | null = null;

  constructor(
    private readonly client: AdminClient,
    private readonly state: ConfigurationState,
  ) {}

  async refresh(): Promise<void> {
    const hash = await this.state.hash();
    if (hash === this.#hash) return;
    this.stored = await readCas(this.client);
    this.#hash = hash;
  }
}

/**
 * Makes changes to the CA certificates of a document.
 * @returns the result of each once the document is posted
 */
export function applyCaChanges(document: DeclarativeDocument, changes: readonly CaChange[]): CaResult[] {
  const removed = changes.flatMap(({ kind, id }) => (kind === 'remove' ? id : []));
  const kept = document.referredTo(SECTION, new Set(removed));
  return changes.map((change): CaResult => {
    const { kind, id } = change;
    if (kind !== 'remove') {
      const tags = kind === 'create' ? { tags: change.tags } : {};
      document.put(SECTION, id, { cert: change.ca.pem, cert_digest: change.ca.digest, ...tags });
    } else if (kept.has(id)) {
      return { kind: 'kept', change, detail: 'another part of the configuration refers to its id' };
    } else document.take(SECTION, id);
    return { kind: 'written', change };
  });
}
