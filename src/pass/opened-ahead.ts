import { checkKeyAndChain, type OpenedBundle, type PemContent } from '../certificates';
import { IdleTimer } from '../common/idle-timer';
import { isRefusal, type RawBundle, type Reading, type Refusal } from '../model';
import { understand } from './reading';

/** The pass that takes them over begins within milliseconds. */
const HELD_MS = 1_000;

/**
 * Bundles that passed the gate before their pass began. The pass reads them twice more, and parses them again only if
 * their texts differ. They hold keys, so they are dropped at the end of the pass.
 */
export class OpenedAhead {
  /** Ids of bundles that were read. Their source counts them as read, so the next scan has to ask for them again. */
  #read = new Set<string>();
  readonly #held = new Map<string, { raw: RawBundle; opened: OpenedBundle }>();
  readonly #idle = new IdleTimer(() => this.clear(), HELD_MS);

  /** Opens a bundle and holds it. @returns null where it does not pass the gate, or cannot be read at once */
  hold(id: string, raw: Reading | Promise<Reading>): OpenedBundle | null {
    this.#read.add(id);
    if (raw instanceof Promise) return null;
    const opened = understand(raw);
    if (raw === null || opened === null || opened instanceof Promise) return null;
    if (isRefusal(raw) || isRefusal(opened) || checkKeyAndChain(opened) !== null) return null;
    this.#held.set(id, { raw, opened });
    this.#idle.touch();
    return opened;
  }

  /** As `understand`, without parsing what is held. */
  open(id: string, raw: Reading, known?: PemContent): ReturnType<typeof understand> {
    const held = raw === null || isRefusal(raw) ? undefined : this.#held.get(id);
    return held !== undefined && isSame(held.raw, raw as RawBundle) ? held.opened : understand(raw, known);
  }

  /** As `checkKeyAndChain`, without checking again what is held. */
  check(opened: OpenedBundle): Refusal | null {
    for (const held of this.#held.values()) if (held.opened === opened) return null;
    return checkKeyAndChain(opened);
  }

  /** Ids of the bundles that were read since the last call. */
  takeRead(): Iterable<string> {
    const read = this.#read;
    this.#read = new Set();
    return read;
  }

  /** Drops what is held. */
  clear(): void {
    this.#held.clear();
  }
}

const isSame = (a: RawBundle, b: RawBundle): boolean =>
  a.cert === b.cert &&
  a.key === b.key &&
  a.standalone === b.standalone &&
  (a.issuers ?? []).join('\0') === (b.issuers ?? []).join('\0') &&
  a.secret === b.secret &&
  a.hosts === b.hosts;
