import {
  changeId,
  isChainOf,
  isRefusal,
  refusal,
  type Change,
  type PemPair,
  type Prepare,
  type Target,
  type WriteResult,
} from '../../model';
import { AdminError, kongMessage, type AdminResponse } from '../admin/client';
import { goneError, ListedTarget } from '../listed-target';
import { halfOf, NO_ALT, OUR_TAG, pemFields, toStored, type CertificateEntity } from '../admin/entities';

/** Writes at the same time: Kong answers faster up to about this many, and its workers stay responsive. */
const CONCURRENCY = 16;

/** After so many writes in a row that nobody answered, the rest of them waits for the next pass. */
const GIVE_UP = CONCURRENCY;

/** A Kong with a database: every certificate is written on its own. */
export class DatabaseTarget extends ListedTarget implements Target {
  /** Each batch is proven before the next is written, and what a rollback needs is kept that long. */
  readonly batchSize = 1000;

  refresh(): Promise<boolean> {
    return this.list.loaded ? this.list.patrol() : this.list.load();
  }

  async write(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    // Twins of one certificate are written one after the other: each write carries both.
    const queue = byCertificate(changes).values();
    let unanswered = 0;
    let away: Error | null = null;
    const writeGroup = async (group: readonly Change[]) => {
      for (const change of group) {
        const result = await this.writeOne(change, prepare);
        results.push(result);
        unanswered = isUnanswered(result) ? unanswered + 1 : 0;
        if (result.kind === 'failed' && unanswered >= GIVE_UP) away = result.error;
        if (change.kind === 'create' && result.kind !== 'written' && result.kind !== 'already') return;
      }
    };
    const worker = async () => {
      for (const group of queue) {
        const error = away;
        if (error === null) await writeGroup(group);
        else results.push(...group.map((change) => ({ kind: 'failed' as const, change, error })));
      }
    };
    await Promise.all(Array.from({ length: Math.min(CONCURRENCY, changes.length) }, worker));
    return results;
  }

  async restore(change: Change, previous: PemPair | null): Promise<void> {
    const id = changeId(change);
    const path = `/certificates/${id}`;
    if (change.kind === 'create') {
      await this.expect(await this.client.request('DELETE', path), [204]);
      this.list.delete(id);
      return;
    }
    const snis = change.addSnis.length === 0 ? {} : { snis: change.certificate.snis };
    const body = { ...(previous === null ? NO_ALT : pemFields(change.half, previous)), ...snis };
    const answer = await this.client.request('PATCH', path, body);
    // The certificate that gained this half was taken away before.
    if (previous === null && answer.status === 404) return;
    this.take(answer);
  }

  private async writeOne(change: Change, prepare: Prepare): Promise<WriteResult> {
    try {
      // The gate and Kong's answer take about the same time; the one does not wait for the other.
      const reading = this.client.get(`/certificates/${changeId(change)}`);
      reading.catch(() => undefined);
      const fresh = await prepare(change);
      if (isRefusal(fresh)) return { kind: 'refused', change, refusal: fresh };
      return change.kind === 'create'
        ? await this.create(change, fresh, await reading)
        : await this.update(change, fresh, await reading);
    } catch (error) {
      return { kind: 'failed', change, error: error as Error };
    }
  }

  /**
   * Reads first: another gateway's reloader may have written the same already, and the previous texts are what
   * a rollback puts back.
   */
  private async update(
    change: Change & { kind: 'update' },
    fresh: PemPair,
    read: AdminResponse,
  ): Promise<WriteResult> {
    const { bundle, half } = change;
    const path = `/certificates/${change.certificate.id}`;
    if (read.status === 404) {
      this.list.delete(change.certificate.id);
      throw goneError(change.certificate.id);
    }
    const current = await this.expect(read, [200]);
    const stored = toStored(current);
    this.list.put(stored);
    const now = half === 'main' ? stored.main : stored.alt;
    if (now?.vaultReference === true) {
      return {
        kind: 'refused',
        change,
        refusal: refusal(
          'vault_reference',
          `certificate ${stored.id} is a vault reference; its vault renews it`,
        ),
      };
    }
    if (isChainOf(bundle, now?.chain) && change.addSnis.length === 0) return { kind: 'already', change };
    const previous = halfOf(current, half);
    const body = patchBody(current, change, fresh);
    const answer = await this.client.request('PATCH', path, body);
    if (answer.status !== 200) return this.refusedByKong(change, answer);
    this.take(answer);
    return { kind: 'written', change, current: fresh, previous };
  }

  /** A PUT replaces everything: where another gateway's reloader was faster, nothing may be taken from what it made. */
  private async create(
    change: Change & { kind: 'create' },
    fresh: PemPair,
    read: AdminResponse,
  ): Promise<WriteResult> {
    const { bundle, id, snis } = change;
    if (read.status === 200) {
      const stored = toStored(read.body as CertificateEntity);
      this.list.put(stored);
      const hasAll = snis.every((sni) => stored.snis.includes(sni));
      if (hasAll && isChainOf(bundle, stored.main.chain)) return { kind: 'already', change };
    }
    const body = { ...fresh, snis, tags: [OUR_TAG] };
    const answer = await this.client.request('PUT', `/certificates/${id}`, body);
    if (answer.status !== 200 && answer.status !== 201) return this.refusedByKong(change, answer);
    this.take(answer);
    return { kind: 'written', change, current: fresh, previous: null };
  }

  private refusedByKong(change: Change, { status, body }: AdminResponse): WriteResult {
    const message = kongMessage(body);
    const isTaken = message.includes('already associated with existing certificate');
    return {
      kind: 'refused',
      change,
      refusal: isTaken
        ? refusal(
            'sni_taken',
            `${change.bundle.location}: ${message}; remove the SNI there or from this certificate`,
          )
        : refusal(
            'refused_by_kong',
            `Kong answered ${status} for certificate ${changeId(change)} (${change.bundle.location}): ${message}`,
          ),
    };
  }

  private async expect(answer: AdminResponse, statuses: readonly number[]): Promise<CertificateEntity> {
    if (!statuses.includes(answer.status)) {
      throw new AdminError(
        'ADMIN_STATUS',
        `the Admin API at ${this.client.url} answered ${answer.status}: ${kongMessage(answer.body)}`,
        answer.status,
      );
    }
    return Promise.resolve(answer.body as CertificateEntity);
  }

  /** Kong's answer to a write shows what it stores now. */
  private take({ status, body }: AdminResponse): void {
    if (status >= 200 && status < 300) this.list.put(toStored(body as CertificateEntity));
    else throw new AdminError('ADMIN_STATUS', `Kong answered ${status}: ${kongMessage(body)}`, status);
  }
}

const isUnanswered = (result: WriteResult) =>
  result.kind === 'failed' && result.error instanceof AdminError && result.error.code === 'ADMIN_UNREACHABLE';

function byCertificate(changes: readonly Change[]): Map<string, Change[]> {
  const groups = new Map<string, Change[]>();
  for (const change of changes) {
    const group = groups.get(changeId(change));
    if (group === undefined) groups.set(changeId(change), [change]);
    else group.push(change);
  }
  return groups;
}

/** `cert` and `key` together (Kong refuses one without the other); with a twin both, so that all are of one read. */
function patchBody(
  current: CertificateEntity,
  { half, addSnis }: Change & { kind: 'update' },
  fresh: PemPair,
): object {
  const snis = addSnis.length === 0 ? {} : { snis: [...(current.snis ?? []), ...addSnis] };
  if (half === 'alt') {
    return { cert: current.cert, key: current.key, cert_alt: fresh.cert, key_alt: fresh.key, ...snis };
  }
  const twin = current.cert_alt == null ? {} : { cert_alt: current.cert_alt, key_alt: current.key_alt };
  return { ...fresh, ...twin, ...snis };
}
