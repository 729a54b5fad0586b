import type { CaChange, CaResult, CaStore, StoredCa } from '../../model';
import { kongMessage, type AdminClient, type AdminResponse } from '../admin/client';
import { readCas } from '../admin/ca-certificates';

/** CA certificates of a Kong with a database: each is written on its own. */
export class DatabaseCaStore implements CaStore {
  stored: ReadonlyMap<string, StoredCa> = new Map();
  #staged: readonly CaChange[] = [];

  constructor(private readonly client: AdminClient) {}

  async refresh(): Promise<void> {
    this.stored = await readCas(this.client);
  }

  stage(changes: readonly CaChange[]): void {
    this.#staged = changes;
  }

  async flush(): Promise<CaResult[]> {
    const changes = this.#staged;
    this.#staged = [];
    const results: CaResult[] = [];
    for (const change of changes) {
      try {
        results.push(await this.write(change));
      } catch (error) {
        results.push({ kind: 'failed', change, error: error as Error });
      }
    }
    return results;
  }

  private async write(change: CaChange): Promise<CaResult> {
    const { status, body } = await this.send(change);
    if (status >= 200 && status < 300) return { kind: 'written', change };
    // What is referred to is refused with 400 by the Admin API.
    if (change.kind === 'remove') return { kind: 'kept', change, detail: kongMessage(body) };
    // Another gateway's reloader was faster: unique violation of cert_digest.
    if (status === 409) return { kind: 'written', change };
    return { kind: 'refused', change, detail: `it answered ${status}: ${kongMessage(body)}` };
  }

  private send(change: CaChange): Promise<AdminResponse> {
    const path = `/ca_certificates/${change.id}`;
    if (change.kind === 'remove') return this.client.request('DELETE', path);
    const cert = change.ca.pem;
    return change.kind === 'create'
      ? this.client.request('PUT', path, { cert, tags: change.tags })
      : this.client.request('PATCH', path, { cert });
  }
}
