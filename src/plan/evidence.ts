import {
  decodePem,
  hasSameIssuer,
  isCertificate,
  leadsTo,
  parseCertificate,
  PUBLIC_ROOTS,
  NO_ISSUERS,
  type IssuerSet,
  type OpenedBundle,
} from '../certificates';
import type { Question, SourcedBundle, StoredHalf } from '../model';
import type { Evidence } from './world';

type Chain = OpenedBundle['chain'];

/** Most answers that are kept, by pairs of contents; one costs a read and a signature or two. */
const MOST_ANSWERS = 20_000;

/** Remembers answers that signatures gave, by content: changed content is asked about again. */
export class EvidenceBook implements Evidence {
  readonly #answers = new Map<string, boolean>();
  /** Questions that are not waited for, until the next plan of everything. */
  readonly #givenUp = new Set<string>();
  #trusted: IssuerSet = NO_ISSUERS;

  /** Sets the CAs that the operator trusts, beside the public roots. */
  trust(trusted: IssuerSet): void {
    if (trusted === this.#trusted) return;
    this.#trusted = trusted;
    this.#answers.clear();
  }

  isTrusted({ content }: SourcedBundle): boolean | undefined {
    return this.#answers.get(content) ?? this.unlessGivenUp(content);
  }

  isSameIssuer({ content }: SourcedBundle, { chain }: StoredHalf): boolean | undefined {
    const key = `${content} ${chain}`;
    return this.#answers.get(key) ?? this.unlessGivenUp(key);
  }

  /** Takes no for the answer until `askAgain`: whoever cannot be asked keeps nobody else waiting. */
  giveUp(question: Question): void {
    const { content } = question.bundle;
    if (question.kind === 'trusted') this.#givenUp.add(content);
    else this.#givenUp.add(`${content} ${question.certificate[question.half]?.chain ?? ''}`);
  }

  askAgain(): void {
    this.#givenUp.clear();
  }

  private unlessGivenUp(key: string): false | undefined {
    return this.#givenUp.has(key) ? false : undefined;
  }

  /**
   * Answers a question.
   * @param chain chain of the bundle; empty where its key does not fit
   * @param stored PEM of Kong's certificate, where the question is about it
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
