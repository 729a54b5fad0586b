import type { LiveView } from '../model';
import type { SourceStatus } from '../public';
import type { CertificateFacts } from './facts';
import { Journal } from './journal';
import type { KeptKnowledge } from './knowledge-file';
import { ServedBook } from './served-book';
import { SinceBook } from './since-book';

/** The facts of an earlier process. */
export interface Remembered {
  facts: () => Iterable<CertificateFacts>;
  sources: readonly SourceStatus[];
  sourceOf: (bundleId: string) => string;
}

/**
 * The state of one entry of the plugin. It outlives reloaders, and begins with what an earlier process knew: while
 * Kong is away, and until a new reloader has made its first pass, the last known state is shown with its time.
 */
export class EntryMemory {
  readonly journal: Journal;
  readonly served = new ServedBook();
  readonly since = new SinceBook();
  #last: LiveView | null = null;
  #remembered: Remembered | null = null;

  constructor(now?: () => number) {
    this.journal = new Journal(now);
  }

  /** The view to show: the reloader's own, else that of the one before it. */
  latest(live: LiveView): LiveView {
    if (live.plan !== null) {
      this.#last = live;
      this.#remembered = null;
    }
    return this.#last ?? live;
  }

  /** Begins with what an earlier process knew. */
  remember({ head, certificates }: KeptKnowledge): void {
    this.journal.remember(head);
    this.since.remember(certificates);
    this.served.remember(certificates);
    const sources = new Map(certificates.map(({ facts, source }) => [facts.bundleId, source]));
    const all = certificates.map(({ facts }) => facts);
    this.#remembered = {
      facts: () => all,
      sources: head.sources,
      sourceOf: (id) => sources.get(id) ?? '',
    };
  }

  /** Null once a pass was made. */
  get remembered(): Remembered | null {
    return this.#remembered;
  }
}
