import { IdleTimer } from '../../common/idle-timer';
import type { CertificateEntity } from '../admin/entities';

/** A write follows its read within milliseconds; an older answer would hide what others wrote meanwhile. */
const FRESH_MS = 50;

/**
 * Most that Kong has not answered. Where it is slow, or a bundle belongs to hundreds of certificates, further ones would
 * come too late, and the reads of the write itself would wait for them.
 */
const MOST_UNANSWERED = 8;

/** A read that precedes a write. */
export interface FirstRead {
  entity: Promise<CertificateEntity | null>;
  /** From when on its answer ages (`performance.now()`): when it was sent; Infinity: when it is answered. */
  at: number;
}

/** Reads that were sent as soon as a write was likely. They hold keys, so they are dropped once they are too old. */
export class ReadsAhead {
  readonly #reads = new Map<string, FirstRead>();
  readonly #idle = new IdleTimer(() => this.clear(), FRESH_MS);
  #unanswered = 0;

  constructor(private readonly read: (id: string) => Promise<CertificateEntity | null>) {}

  /** Once half of its time is over, a read is replaced: the rest of a renewal may take the other half. */
  begin(id: string): void {
    for (const [old, read] of this.#reads) if (!this.isFresh(read)) this.#reads.delete(old);
    const known = this.#reads.get(id);
    if (known !== undefined && performance.now() - known.at < FRESH_MS / 2) return;
    if (this.#unanswered === MOST_UNANSWERED) return;
    const entity = this.read(id);
    this.#unanswered += 1;
    const answered = () => void (this.#unanswered -= 1);
    // The write, if it comes, gets the failure.
    entity.then(answered, answered);
    this.#reads.set(id, { entity, at: performance.now() });
    this.#idle.touch();
  }

  /** Undefined: none was sent, or it is too old. */
  take(id: string): FirstRead | undefined {
    const read = this.#reads.get(id);
    this.#reads.delete(id);
    return this.isFresh(read) ? read : undefined;
  }

  /** To be called after each write: an answer from before it, or from while it was made, is out of date. */
  clear(): void {
    this.#reads.clear();
  }

  private isFresh(read: FirstRead | undefined): boolean {
    return read !== undefined && performance.now() - read.at < FRESH_MS;
  }
}
