import type { Reason, Refusal, SourcedBundle } from '../model';
import type { BundleReader } from './bundle-reader';

/** Refusals caused by Kong's state; lifted when that changes. */
const KONGS_REASONS: ReadonlySet<Reason> = new Set(['refused_by_kong', 'sni_taken', 'no_common_cipher']);

/** Refused bundles that are not tried again until they change. */
export class RefusedBundles {
  readonly #refused = new Map<string, { content: string; why: Refusal }>();

  constructor(private readonly reader: BundleReader) {}

  /**
   * Refuses a bundle until it changes. Where its files may only be in the middle of being written it is read again
   * instead, and the next pass decides.
   * @returns whether it is refused
   */
  add(bundle: SourcedBundle, why: Refusal): boolean {
    if (this.reader.isReadAgain(bundle.id)) return false;
    this.#refused.set(bundle.id, { content: bundle.content, why });
    return true;
  }

  /** The refusals of bundles that did not change since, by bundle id. */
  standing(): Map<string, Refusal> {
    const standing = new Map<string, Refusal>();
    for (const [id, { content, why }] of this.#refused) {
      if (this.reader.book.get(id)?.content === content) standing.set(id, why);
      else this.#refused.delete(id);
    }
    return standing;
  }

  /** To be called when Kong has changed: lifts the refusals caused by its state. */
  kongChanged(): void {
    for (const [id, { why }] of this.#refused) if (KONGS_REASONS.has(why.reason)) this.#refused.delete(id);
  }

  clear(): void {
    this.#refused.clear();
  }
}
