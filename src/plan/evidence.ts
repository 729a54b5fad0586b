import {
  decodePem,
  hasSameIssuer,
  isCertificate,
  leadsTo,
  parseCertificate,
  PUBLIC_ROOTS,
  type IssuerSet,
  type OpenedBundle,
} from '../certificates';
import type { Question, SourcedBundle, StoredHalf } from '../model';
import type { Evidence } from './world';

type Chain = OpenedBundle['chain'];

/** Answers are kept for so many pairs of contents; one costs a reading and a signature or two. */
const MOST_ANSWERS = 20_000;

/** Remembers what signatures told, by content: what changes is asked anew. */
export class EvidenceBook implements Evidence {
  readonly #answers = new Map<string, boolean>();
  #trusted: IssuerSet;

  /** @param trusted CAs that the operator vouches for, beside the public roots */
  constructor(trusted: IssuerSet) {
    this.#trusted = trusted;
  }

  /** Other CAs are trusted from now on. */
  trust(trusted: IssuerSet): void {
    if (trusted === this.#trusted) return;
    this.#trusted = trusted;
    this.#answers.clear();
  }

  isTrusted({ content }: SourcedBundle): boolean | undefined {
    return this.#answers.get(content);
  }

  isSameIssuer({ content }: SourcedBundle, { chain }: StoredHalf): boolean | undefined {
    return this.#answers.get(`${content} ${chain}`);
  }

  /**
   * @param chain of the bundle, whose content is what the question is about; empty where its key is not there
   * @param stored PEM of what Kong has; needed where the question is about that
   * @param now milliseconds since the epoch
   */
  answer(question: Question, chain: Chain, stored: string, now: number): void {
    const { content } = question.bundle;
    if (question.kind === 'trusted') {
      this.keep(content, leadsTo(PUBLIC_ROOTS, chain, now) || leadsTo(this.#trusted, chain, now));
      return;
    }
    const half = question.certificate[question.half];
    if (half === null) return;
    this.keep(`${content} ${half.chain}`, hasSameIssuer(chainOf(stored), chain, this.#trusted));
  }

  private keep(key: string, answer: boolean): void {
    this.#answers.set(key, answer);
    for (const oldest of this.#answers.keys()) {
      if (this.#answers.size <= MOST_ANSWERS) break;
      this.#answers.delete(oldest);
    }
  }
}

function chainOf(pem: string): Chain {
  try {
    return (decodePem(pem) ?? []).filter(isCertificate).map(({ der }) => parseCertificate(der));
  } catch {
    return [];
  }
}
