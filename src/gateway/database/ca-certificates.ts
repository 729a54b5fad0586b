import { failureKindOf } from '../../model';
import type { CaStore } from '../../model';
import type { CaChange, CaResult, StoredCa } from '../../model';
import { answerError } from '../admin/answers';
import { readCas } from '../admin/ca-certificates';
import { kongMessage, type AdminClient, type AdminResponse } from '../admin/client';

/** CA certificates of a Kong with a database: each is written on its own. */
export class DatabaseCaStore implements CaStore {
  stored: ReadonlyMap<string, StoredCa> = new Map();

  constructor(private readonly client: AdminClient) {}

  async refresh(): Promise<void> {
    this.stored = await readCas(this.client);
  }

  /**
   * A failure does not stop the others.
   * @returns the result of each
   */
  async write(changes: readonly CaChange[]): Promise<CaResult[]> {
    const results: CaResult[] = [];
    for (const change of changes) {
      try {
        results.push(await this.writeOne(change));
      } catch (error) {
        results.push({ kind: 'failed', change, error: error as Error, failure: failureKindOf(error) });
      }
    }
    return results;
  }

  private async writeOne(change: CaChange): Promise<CaResult> {
    const answer = await this.send(change);
    const { status, body } = answer;
    if (status >= 200 && status < 300 && (body !== null || status === 204))
      return { kind: 'written', change };
    // The reloader of another gateway was faster: unique violation of cert_digest.
    if (status === 409 && change.kind !== 'remove') return { kind: 'written', change };
    if (status !== 400) throw answerError(this.client, `${methodOf(change)} ${pathOf(change)}`, answer);
    // The Admin API refuses with 400 to remove a CA certificate that is referred to.
    return change.kind === 'remove'
      ? { kind: 'kept', change, detail: kongMessage(body) }
      : { kind: 'refused', change, detail: `it answered ${status}: ${kongMessage(body)}` };
  }

  private send(change: CaChange): Promise<AdminResponse> {
    const fields =
      change.kind === 'remove'
        ? undefined
        : { cert: change.ca.pem, ...(change.kind === 'create' ? { tags: change.tags } : {}) };
    return this.client.request(methodOf(change), pathOf(change), fields);
  }
}

const METHODS = { create: 'PUT', update: 'PATCH', remove: 'DELETE' } as const satisfies Record<
  CaChange['kind'],
  string
>;
const methodOf = ({ kind }: CaChange) => METHODS[kind];
const pathOf = ({ id }: CaChange) => `/ca_certificates/${id}`;
