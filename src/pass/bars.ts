import type { Reason, Refusal, SourcedBundle } from '../model';
import type { BundleBook } from './bundle-book';

/** Refusals that Kong's state causes; another look is worth it once that changed. */
const KONGS_REASONS: ReadonlySet<Reason> = new Set(['refused_by_kong', 'sni_taken']);

/** Bundles that are not tried again as they are. */
export class Bars {
  readonly #barred = new Map<string, { content: string; why: Refusal }>();

  constructor(private readonly book: BundleBook) {}

  /**
   * Bars a bundle until it changes. What may only mean that somebody is writing the files is read again instead; the
   * next pass decides.
   * @returns whether it is barred
   */
  add(bundle: SourcedBundle, why: Refusal): boolean {
    if (this.book.isReadAgain(bundle.id)) return false;
    this.#barred.set(bundle.id, { content: bundle.content, why });
    return true;
  }

  /** Those of bundles that are still what they were, by bundle id. */
  standing(): Map<string, Refusal> {
    const standing = new Map<string, Refusal>();
    for (const [id, { content, why }] of this.#barred) {
      if (this.book.get(id)?.content === content) standing.set(id, why);
      else this.#barred.delete(id);
    }
    return standing;
  }

  /** Kong is no longer as it was when it refused. */
  kongChanged(): void {
    for (const [id, { why }] of this.#barred) if (KONGS_REASONS.has(why.reason)) this.#barred.delete(id);
  }

  clear(): void {
    this.#barred.clear();
  }
}
