import type { LiveView } from '../model';
import { Journal } from './journal';
import { ServedBook } from './served-book';
import { SinceBook } from './since-book';

/**
 * The state of one entry of the plugin. It outlives reloaders: while Kong is away, and until a new reloader has
 * made its first pass, the last known state is shown with its time.
 */
export class EntryMemory {
  readonly journal: Journal;
  readonly served = new ServedBook();
  readonly since = new SinceBook();
  #last: LiveView | null = null;

  constructor(now?: () => number) {
    this.journal = new Journal(now);
  }

  /** The view to show: the reloader's own, else that of the one before it. */
  latest(live: LiveView): LiveView {
    if (live.plan !== null) this.#last = live;
    return this.#last ?? live;
  }
}
