import { setTimeout as sleep } from 'node:timers/promises';
import {
  changeId,
  deterministicId,
  isChainOf,
  isRefusal,
  refusal,
  type Change,
  type PemPair,
  type Prepare,
  type Target,
  type WriteResult,
} from '../../model';
import { AdminError } from '../admin/client';
import { readPages } from '../admin/certificate-list';
import { DeclarativeDocument, type DocumentChange } from './document';
import { configurationHash, exportConfiguration, hashOf, markOf, postConfiguration } from './post';
import { explain, type Refused } from './refusal';
import { goneError, ListedTarget } from '../listed-target';
import { halfOf, NO_ALT, OUR_TAG, pemFields, toStored, type CertificateEntity } from '../admin/entities';

/** What goes along with a post of certificates: every post is one of everything. */
export interface Passenger {
  /** Edits the document. @returns whether there was anything to edit */
  apply(document: DeclarativeDocument): boolean;
  /** Its edits are in Kong. */
  posted(): void;
}

/** How often a lost race with another writer starts over. */
const ATTEMPTS = 5;

/** About 2,000 certificates; a larger configuration is read again each time. */
const MAX_KEPT_CHARS = 8 * 1024 * 1024;

/**
 * A Kong without a database: the whole configuration is read, edited and posted back, at most once a pass and
 * only while its hash shows that nobody else posted in between.
 */
export class DeclarativeTarget extends ListedTarget implements Target {
  /** However many certificates changed, one post takes them all. */
  readonly batchSize = Number.POSITIVE_INFINITY;
  passenger: Passenger | null = null;
  #hash = '';
  #posted: { hash: string; text: string } | null = null;

  async refresh(): Promise<boolean> {
    const hash = await configurationHash(this.client);
    return this.list.loaded && hash === this.#hash ? false : this.load(hash);
  }

  async write(changes: readonly Change[], prepare: Prepare): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    const ready: Ready[] = [];
    const without = new Set<string>();
    for (const change of changes) {
      const id = changeId(change);
      if (without.has(id)) continue;
      const fresh = await prepare(change);
      if (!isRefusal(fresh)) ready.push({ change, fresh });
      else {
        results.push({ kind: 'refused', change, refusal: fresh });
        if (change.kind === 'create') without.add(id);
      }
    }
    return [...results, ...(await this.tryToPost(ready))];
  }

  async restore(change: Change, previous: PemPair | null): Promise<void> {
    const id = changeId(change);
    // The certificate that gained this half was taken away before.
    if (change.kind === 'update' && previous === null && (await this.look(id)) === null) return;
    const undo: DocumentChange =
      change.kind === 'create'
        ? { id, fields: {}, addSnis: [], remove: true }
        : {
            id,
            fields: previous === null ? NO_ALT : pemFields(change.half, previous),
            addSnis: [],
            removeSnis: change.addSnis,
          };
    const refused = await this.edit([undo]);
    if (refused !== null) {
      throw new AdminError('ADMIN_STATUS', `the previous certificate was refused: ${refused.message}`, 400);
    }
  }

  /** Posts what the passenger has to edit, and nothing else. @returns null, or why Kong refuses it */
  async carry(): Promise<string | null> {
    return (await this.edit([]))?.message ?? null;
  }

  private async load(hash: string): Promise<boolean> {
    const changed = await this.list.load();
    this.#hash = hash;
    return changed;
  }

  private async tryToPost(ready: readonly Ready[]): Promise<WriteResult[]> {
    try {
      return await this.post(ready);
    } catch (error) {
      return ready.map(({ change }) => ({ kind: 'failed', change, error: error as Error }));
    }
  }

  private async post(all: readonly Ready[]): Promise<WriteResult[]> {
    if (all.length === 0) return [];
    const previous = await this.previousTexts(all.map(({ change }) => change));
    const made = new Set(all.flatMap(({ change }) => (change.kind === 'create' ? change.id : [])));
    const isThere = ({ change }: Ready) => previous.has(changeId(change)) || made.has(changeId(change));
    const ready = all.filter(isThere);
    const results: WriteResult[] = all
      .filter((item) => !isThere(item))
      .map(({ change }) => ({ kind: 'failed', change, error: goneError(changeId(change)) }));
    const isDone = ({ change }: Ready) => {
      if (change.kind === 'create') return false;
      const entity = previous.get(change.certificate.id);
      const stored = entity === undefined ? null : toStored(entity)[change.half];
      return isChainOf(change.bundle, stored?.chain) && change.addSnis.length === 0;
    };
    const open = ready.filter((item) => !isDone(item));
    results.push(...ready.filter(isDone).map(({ change }) => ({ kind: 'already' as const, change })));
    if (open.length === 0) return results;
    const refused = await this.edit(open.map(toDocumentChange));
    if (refused !== null) return [...results, ...(await this.withoutCulprits(open, refused))];
    for (const { change, fresh } of open) {
      const entity = change.kind === 'create' ? undefined : previous.get(change.certificate.id);
      const texts = change.kind === 'create' || entity === undefined ? null : halfOf(entity, change.half);
      results.push({ kind: 'written', change, current: fresh, previous: texts });
    }
    return results;
  }

  /**
   * Kong takes a document whole or not at all: a change that it refuses must not hold the others back. It names
   * the entities; where it does not, halves are tried.
   */
  private async withoutCulprits(ready: readonly Ready[], refused: Refused): Promise<WriteResult[]> {
    const named = ready.filter(({ change }) => refused.entities.has(changeId(change)));
    const culprits = ready.length === 1 ? ready : named;
    if (culprits.length === 0) {
      const [first, second] = halve(ready);
      const results = await this.tryToPost(first);
      // What a certificate gains that could not be created comes to nothing, too.
      const without = results.flatMap(({ kind, change }) =>
        change.kind === 'create' && kind !== 'written' ? change.id : [],
      );
      const left = second.filter(({ change }) => !without.includes(changeId(change)));
      return [...results, ...(await this.tryToPost(left))];
    }
    const results: WriteResult[] = culprits.map(({ change }) => ({
      kind: 'refused',
      change,
      refusal: refusal('refused_by_kong', `Kong refused ${change.bundle.location}: ${refused.message}`),
    }));
    return [...results, ...(await this.tryToPost(ready.filter((item) => !culprits.includes(item))))];
  }

  /** What a rollback would put back: one request each for a few, all pages for many. */
  private async previousTexts(changes: readonly Change[]): Promise<Map<string, CertificateEntity>> {
    const wanted = new Set(
      changes.flatMap((change) => (change.kind === 'update' ? [change.certificate.id] : [])),
    );
    const found = new Map<string, CertificateEntity>();
    if (wanted.size <= 16) {
      for (const id of wanted) {
        const { status, body } = await this.client.get(`/certificates/${id}`);
        if (status === 200) found.set(id, body as CertificateEntity);
        else if (status !== 404)
          throw new AdminError('ADMIN_STATUS', `Kong answered ${status} for certificate ${id}`, status);
      }
      return found;
    }
    for await (const page of readPages<CertificateEntity>(this.client, '/certificates')) {
      for (const entity of page) if (wanted.has(entity.id)) found.set(entity.id, entity);
    }
    return found;
  }

  /** Kong's configuration: what was posted last while that is what Kong has, since an export costs it seconds. */
  private async configuration(hash: string): Promise<string> {
    return this.#posted?.hash === hash ? this.#posted.text : exportConfiguration(this.client);
  }

  private keep(text: string): void {
    const hash = hashOf(text);
    this.#posted = hash === this.#hash && text.length <= MAX_KEPT_CHARS ? { hash, text } : null;
  }

  /**
   * Reads, edits and posts the configuration, from the start again when somebody else posted meanwhile.
   * @returns null, or why Kong refuses the document
   * @throws AdminError, DocumentError
   */
  private async edit(
    changes: readonly DocumentChange[],
    passenger: Passenger | null = this.passenger,
  ): Promise<Refused | null> {
    const mark = markOf(changes.map(({ fields }) => fields['cert'] ?? fields['cert_alt']).find(Boolean));
    let sent: { hash: string; lost: string | null } | null = null;
    let failure: AdminError | null = null;
    // What was overwritten has to be put back, also where that takes more.
    const isEnough = (attempt: number) => attempt > (sent?.lost == null ? ATTEMPTS : 4 * ATTEMPTS);
    for (let attempt = 1; !isEnough(attempt); attempt++) {
      const hash = await configurationHash(this.client);
      const isMine: boolean = sent?.hash === hash;
      if (isMine && sent?.lost === null) return this.done(sent.hash, passenger);
      const text: string = (isMine ? sent?.lost : null) ?? (await this.configuration(hash));
      const document = new DeclarativeDocument(text);
      document.removeNestedSnis();
      for (const change of changes) document.apply(change);
      const isCarrying = passenger?.apply(document) === true;
      if (changes.length === 0 && !isCarrying) {
        passenger?.posted();
        return null;
      }
      const config = document.toString();
      if ((await configurationHash(this.client)) === hash) {
        const posted = await postConfiguration(this.client, { config, before: hash, mark });
        if (posted.kind === 'refused') {
          // What goes along must not hold the certificates back.
          return changes.length > 0 && isCarrying ? this.edit(changes, null) : explain(posted.body);
        }
        const isDone = posted.kind === 'done';
        if (isDone && posted.lost === null) return this.done(config, passenger);
        // Somebody else's update is put back with ours, or it is not known yet whether ours is in.
        sent = { hash: hashOf(config), lost: isDone ? posted.lost : null };
        failure = isDone ? null : posted.error;
        if (posted.kind === 'busy') await sleep(posted.waitMs);
      } else await sleep(50 * attempt * (1 + Math.random()));
    }
    if (failure !== null) throw failure;
    throw new AdminError(
      'ADMIN_STATUS',
      `the configuration was changed by somebody else ${ATTEMPTS} times while it was edited; trying again at the next pass`,
      null,
    );
  }

  /** @param config what was posted, or its hash alone */
  private async done(config: string, passenger: Passenger | null): Promise<null> {
    try {
      await this.load(await configurationHash(this.client));
    } catch {
      // It is in all the same, and has to be proven; the next refresh reads it.
      this.#hash = '';
    }
    this.keep(config);
    passenger?.posted();
    return null;
  }
}

/** A change whose texts went through the gate. */
interface Ready {
  change: Change;
  fresh: PemPair;
}

/** Two parts of about the same size; what is for one certificate stays together as long as there are others. */
function halve(ready: readonly Ready[]): [Ready[], Ready[]] {
  const ids = [...new Set(ready.map(({ change }) => changeId(change)))];
  if (ids.length === 1) return [ready.slice(0, 1), ready.slice(1)];
  const first = new Set(ids.slice(0, Math.ceil(ids.length / 2)));
  const isFirst = ({ change }: Ready) => first.has(changeId(change));
  return [ready.filter(isFirst), ready.filter((item) => !isFirst(item))];
}

function toDocumentChange({ change, fresh }: Ready): DocumentChange {
  const sni = (name: string) => ({ id: deterministicId('sni', name), name });
  return change.kind === 'create'
    ? { id: change.id, fields: { ...fresh }, addSnis: change.snis.map(sni), create: { tags: [OUR_TAG] } }
    : {
        id: change.certificate.id,
        fields: pemFields(change.half, fresh),
        addSnis: change.addSnis.map(sni),
      };
}
