import { checkKeyAndChain } from '../certificates';
import { isRefusal, ownerOf, type CertificateStore, type Question } from '../model';
import { EvidenceBook } from '../plan';
import type { BundleReader } from './bundle-reader';
import type { RefusedBundles } from './refused-bundles';
import type { Shares } from './shares';

/** A tenant's bundle that could not be asked about after so many scans in a row is given up, and keeps nobody waiting. */
const MOST_UNANSWERED = 3;

/** Answers the questions of plans: reads what they are about, and gives up what can never be read. */
export class Questions {
  readonly evidence = new EvidenceBook();
  /** After how many scans in a row a tenant's bundle could not be asked about, and the last of them, by bundle id. */
  readonly #unanswered = new Map<string, { count: number; scan: number }>();

  constructor(
    private readonly reader: BundleReader,
    private readonly certificates: Pick<CertificateStore, 'readTexts'>,
    private readonly refused: Pick<RefusedBundles, 'add'>,
    private readonly now: () => number,
  ) {}

  /**
   * Answers questions by signatures; what cannot be read now stays open.
   * @returns whether any was answered
   */
  async answer(questions: readonly Question[], shares: Shares): Promise<boolean> {
    const before = this.now();
    let isAnswered = false;
    for (const question of questions) {
      const owner = ownerOf(question.bundle);
      if (shares.isSpent(owner)) {
        this.noteUnanswered(question.bundle.id);
        continue;
      }
      const begin = shares.begin();
      if (await this.answerOne(question, before)) isAnswered = true;
      shares.end(owner, begin);
    }
    return isAnswered;
  }

  /** @returns whether it was answered */
  private async answerOne(question: Question, now: number): Promise<boolean> {
    const opened = await this.reader.open(question.bundle);
    if (isRefusal(opened)) {
      this.noteUnanswered(question.bundle.id);
      return false;
    }
    this.#unanswered.delete(question.bundle.id);
    // A certificate without its key may be anybody's.
    const why = checkKeyAndChain(opened);
    if (why !== null) this.refused.add(question.bundle, why);
    const stored = question.kind === 'trusted' ? '' : await this.storedText(question);
    if (stored === null) return false;
    this.evidence.answer(question, why === null ? opened.chain : [], stored, now);
    return true;
  }

  private noteUnanswered(id: string): void {
    const { scans: scan } = this.reader;
    const known = this.#unanswered.get(id);
    if (known?.scan !== scan) this.#unanswered.set(id, { count: (known?.count ?? 0) + 1, scan });
  }

  /**
   * Gives up questions about tenants' bundles that never could be asked about: a Secret that changes all the time, or
   * thousands of them, would hold the names in question for ever.
   * @returns whether there were any
   */
  isAnyGivenUp(questions: readonly Question[]): boolean {
    const open = new Set(questions.map(({ bundle }) => bundle.id));
    for (const id of this.#unanswered.keys()) if (!open.has(id)) this.#unanswered.delete(id);
    const left = questions.filter(
      ({ bundle: { id, ownership } }) =>
        ownership === 'tenants' && (this.#unanswered.get(id)?.count ?? 0) >= MOST_UNANSWERED,
    );
    for (const question of left) this.evidence.giveUp(question);
    return left.length > 0;
  }

  private async storedText({
    certificate,
    half,
  }: Question & { kind: 'same_issuer' }): Promise<string | null> {
    try {
      const texts = await this.certificates.readTexts(certificate.id);
      return texts?.[half]?.cert ?? null;
    } catch {
      return null;
    }
  }
}
