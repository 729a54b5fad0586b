import { IdleTimer } from '../../common/idle-timer';
import type { CertificateEntity } from '../admin/entities';

/** Its write follows within a few milliseconds; whatever others write meanwhile must not be overlooked for longer. */
const FRESH_MS = 50;

/** A read that goes before a write. */
export interface FirstRead {
  entity: Promise<CertificateEntity | null>;
  /** When it was asked for (`performance.now()`). */
  at: number;
}

/** Reads that were begun when a write was about to come. They hold keys, and are let go when they are no longer fresh. */
export class ReadsAhead {
  readonly #begun = new Map<string, FirstRead>();
  readonly #idle = new IdleTimer(() => this.clear(), FRESH_MS);

  constructor(private readonly read: (id: string) => Promise<CertificateEntity | null>) {}

  begin(id: string): void {
    if (this.isFresh(this.#begun.get(id))) return;
    const entity = this.read(id);
    // The write, if it comes, gets the failure.
    entity.catch(() => undefined);
    this.#begun.set(id, { entity, at: performance.now() });
    this.#idle.touch();
  }

  /** Undefined: none was begun, or it is too old. */
  take(id: string): FirstRead | undefined {
    const begun = this.#begun.get(id);
    this.#begun.delete(id);
    return this.isFresh(begun) ? begun : undefined;
  }

  /** To be called after each write: what was read before it, or meanwhile, is of the past. */
  clear(): void {
    this.#begun.clear();
  }

  private isFresh(begun: FirstRead | undefined): boolean {
    return begun !== undefined && performance.now() - begun.at < FRESH_MS;
  }
}
