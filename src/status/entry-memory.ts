import type { LiveView } from '../model';
import { Journal } from './journal';
import { ServedBook } from './served-book';
import { SinceBook } from './since-book';

/**
 * What is known of one entry of the plugin. It outlives the reloaders that run for it: while Kong is away, and until a
 * reloader that was started anew has made its first pass, what was known last is shown with its time.
 */
export class EntryMemory {
  readonly journal: Journal;
  readonly served = new ServedBook();
  readonly since = new SinceBook();
  #last: LiveView | null = null;

  constructor(now?: () => number) {
    this.journal = new Journal(now);
  }

  /** What to show of a reloader: what it knows, else what the one before it knew. */
  latest(live: LiveView): LiveView {
    if (live.plan !== null) this.#last = live;
    return this.#last ?? live;
  }
}
