import { Slices } from '../../common/slices';
import {
  changeId,
  deterministicId,
  failureKindOf,
  inTurn,
  ownerOf,
  refusal,
  type CaChange,
  type CaResult,
  type CertificateTexts,
  type Change,
  type WriteResult,
} from '../../model';
import { resultOfError } from '../admin/answers';
import { AdminError } from '../admin/client';
import { applyCaChanges } from './ca-certificates';
import type { CertificatesOfConfiguration } from './certificate-list';
import { DocumentCertificates } from './certificates';
import { halve, bySize, isNew, sizeOf } from './divide';
import type { DeclarativeDocument } from './document';
import { applyChange, type Ready } from './edit';
import type { ConfigurationEditor } from './editor';
import type { Refused } from './refusal';

/** Changes to be written in one post, or in as few as it takes where Kong refuses some of them. */
export class Batch {
  readonly results: WriteResult[] = [];
  /** Owners of what Kong's configuration has no room for. */
  readonly #full = new Set<string>();
  /** Size of the smallest new certificate that there was no room for. */
  #noRoomFor = Number.POSITIVE_INFINITY;
  /** Kong's configuration is larger than Kong takes, whatever is changed. */
  #isOverfull = false;
  /** Characters by which the last document grew; of a single change only. */
  #growth = 0;

  constructor(
    private readonly editor: ConfigurationEditor,
    private readonly list: CertificatesOfConfiguration,
  ) {}

  /** Carries out everything; results of the certificates are in `results`. */
  async write(ready: readonly Ready[], cas: readonly CaChange[]): Promise<CaResult[]> {
    if (ready.length === 0) return this.writeCas(cas);
    const together = await this.tryToPost(ready, cas);
    // A refused CA certificate must not hold back the certificates.
    return together ?? this.writeCas(cas);
  }

  /** Posts them together; where Kong refuses that, one by one. */
  private async writeCas(changes: readonly CaChange[]): Promise<CaResult[]> {
    if (changes.length === 0) return [];
    try {
      const posted = await this.post([], changes);
      if (posted.why === null) return posted.cas;
      if (changes.length === 1)
        return changes.map((change) => ({ kind: 'refused', change, detail: posted.why?.message ?? '' }));
    } catch (error) {
      if (isTooLarge(error) && changes.length > 1) return this.casThatFit(changes);
      const failure = failureKindOf(error);
      return changes.map((change) => ({ kind: 'failed', change, error: error as Error, failure }));
    }
    const results: CaResult[] = [];
    for (const change of changes) results.push(...(await this.writeCas([change])));
    return results;
  }

  /** Removals make room, and the smaller ones come first: what does not fit is at the end. */
  private async casThatFit(changes: readonly CaChange[]): Promise<CaResult[]> {
    const size = (change: CaChange) => (change.kind === 'remove' ? 0 : change.ca.pem.length);
    const sorted = [...changes].sort((a, b) => size(a) - size(b));
    const half = Math.ceil(sorted.length / 2);
    const first = await this.writeCas(sorted.slice(0, half));
    const failed = first.at(-1);
    const second = sorted.slice(half);
    if (failed?.kind !== 'failed') return [...first, ...(await this.writeCas(second))];
    return [...first, ...second.map((change) => ({ ...failed, change }))];
  }

  /** @returns results of the CA certificates; null: they were not posted */
  private async tryToPost(ready: readonly Ready[], cas: readonly CaChange[]): Promise<CaResult[] | null> {
    if (ready.length === 0) return null;
    try {
      const posted = await this.post(ready, cas);
      if (posted.why === null) {
        this.results.push(...posted.results);
        return posted.cas;
      }
      if (posted.hadCas) {
        await this.tryToPost(ready, []);
        return null;
      }
      const open = new Set(
        posted.results.flatMap((result) => (result.kind === 'written' ? result.change : [])),
      );
      this.results.push(...posted.results.filter(({ change }) => !open.has(change)));
      await this.withoutCulprits(
        ready.filter(({ change }) => open.has(change)),
        posted.why,
      );
    } catch (error) {
      // The CA certificates may be what is large.
      if (isTooLarge(error) && cas.length > 0) await this.tryToPost(ready, []);
      else if (isTooLarge(error) && ready.length > 1) await this.asMuchAsFits(ready, error);
      else {
        if (isTooLarge(error)) this.noteFull(ready[0] as Ready);
        this.results.push(...ready.map(({ change }) => resultOfError(change, error)));
      }
    }
    return null;
  }

  /**
   * Kong limits the size of a post. Whoever has many and large certificates holds back none of another owner: each has a
   * small one written before any has a second.
   */
  private async asMuchAsFits(ready: readonly Ready[], error: AdminError): Promise<void> {
    const [first, second] = halve(ready, inTurn([...ready].sort(bySize), ownerOfItem));
    await this.tryToPost(first, []);
    const isFull = (item: Ready) =>
      this.#isOverfull ||
      this.#full.has(ownerOfItem(item)) ||
      (isNew(item) && sizeOf(item) >= this.#noRoomFor);
    const left = this.possible(second);
    this.results.push(...left.filter(isFull).map(({ change }) => resultOfError(change, error)));
    await this.tryToPost(this.possible(left.filter((item) => !isFull(item))), []);
  }

  /** Kong has no room for it. New ones at least as large then get no post of their own: with many owners that would be thousands. */
  private noteFull(item: Ready): void {
    this.#full.add(ownerOfItem(item));
    if (isNew(item)) this.#noRoomFor = Math.min(this.#noRoomFor, sizeOf(item));
    else this.#isOverfull ||= this.#growth <= 0;
  }

  /**
   * Kong takes a document whole or not at all: a change that it refuses must not hold back the others. Kong names
   * the refused entities; where it does not, halves are tried.
   */
  private async withoutCulprits(ready: readonly Ready[], why: Refused): Promise<void> {
    const sentenceOf = ({ change }: Ready) =>
      entitiesOf(change)
        .map((id) => why.entities.get(id))
        .find((found) => found !== undefined);
    const culprits = ready.length === 1 ? ready : ready.filter((item) => sentenceOf(item) !== undefined);
    for (const item of culprits) {
      const { change } = item;
      const message = `Kong refused ${change.bundle.location}: ${sentenceOf(item) ?? why.message}`;
      this.results.push({ kind: 'refused', change, refusal: refusal('refused_by_kong', message) });
    }
    if (culprits.length > 0) {
      const without = new Set(culprits);
      await this.tryToPost(this.possible(ready.filter((item) => !without.has(item))), []);
      return;
    }
    const [first, second] = halve(ready);
    await this.tryToPost(first, []);
    await this.tryToPost(this.possible(second), []);
  }

  /** Without changes that need a certificate that could not be created. */
  private possible(ready: readonly Ready[]): Ready[] {
    const without = new Set(
      this.results.flatMap(({ kind, change }) =>
        change.kind === 'create' && kind !== 'written' && kind !== 'already' ? change.id : [],
      ),
    );
    return ready.filter(({ change }) => !without.has(changeId(change)));
  }

  /** @throws Failure */
  private async post(
    ready: readonly Ready[],
    cas: readonly CaChange[],
  ): Promise<{ why: Refused | null; results: WriteResult[]; cas: CaResult[]; hadCas: boolean }> {
    let results: WriteResult[] = [];
    let ofCas: CaResult[] = [];
    /** Results of an earlier attempt, which the next one may find in place. */
    const made = new Map<Ready, WriteResult>();
    let certificates: DocumentCertificates | null = null;
    const edited = await this.editor.edit(async (document, hash, wasSent) => {
      if (!wasSent) made.clear();
      const slices = new Slices();
      const current = await DocumentCertificates.of(document);
      certificates = current;
      const known = this.list.isOf(hash) ? (id: string) => this.list.stored.get(id) : () => undefined;
      const gone = new Set<string>();
      results = [];
      let isEdited = false;
      const before = ready.length === 1 ? lengthOf(document) : 0;
      for (const item of ready) {
        const id = changeId(item.change);
        if (gone.has(id)) continue;
        const texts: CertificateTexts | null = await this.list.textsIn(current, id);
        const result = applyChange(current, item, texts, known);
        if (result.kind === 'written') {
          if (!made.has(item)) made.set(item, result);
          results.push(made.get(item) ?? result);
          isEdited = true;
        } else {
          results.push(result.kind === 'already' ? (made.get(item) ?? result) : result);
          if (item.change.kind === 'create' && result.kind !== 'already') gone.add(id);
        }
        if (slices.due) await slices.pause();
      }
      if (ready.length === 1) this.#growth = lengthOf(document) - before;
      ofCas = applyCaChanges(document, cas);
      isEdited ||= ofCas.some(({ kind }) => kind === 'written');
      return isEdited;
    });
    const hadCas = ofCas.some(({ kind }) => kind === 'written');
    if (edited.kind === 'refused') return { why: edited.why, results, cas: [], hadCas };
    const fresh = new Map(ready.map((item) => [changeId(item.change), item.fresh]));
    await this.list.follow(edited, certificates, { fresh });
    return { why: null, results, cas: ofCas, hadCas };
  }
}

/** HTTP status of a post that is larger than Kong takes. */
const TOO_LARGE = 413;

const isTooLarge = (error: unknown): error is AdminError =>
  error instanceof AdminError && error.status === TOO_LARGE;

const ownerOfItem = ({ change }: Ready) => ownerOf(change.bundle);

function lengthOf(document: DeclarativeDocument): number {
  let length = 0;
  for (const part of document.parts()) length += part.length;
  return length;
}

/** Ids that a change puts into the document. */
function entitiesOf(change: Change): string[] {
  const names = change.kind === 'create' ? change.snis : change.addSnis;
  return [changeId(change), ...names.map((name) => deterministicId('sni', name))];
}
