import {
  areSameTexts,
  checkKeyAndChain,
  publicHalfOf,
  withKey,
  type OpenedBundle,
  type PemContent,
  type PublicHalf,
} from '../certificates';
import { IdleTimer } from '../common/idle-timer';
import { isRefusal, type RawBundle, type Reading, type Refusal } from '../model';
import { charsOf, understand } from './reading';

/** The pass that takes them over begins within milliseconds. */
const HELD_MS = 1_000;
/** A pass that failed does not clear what it held. */
const HALF_HELD_MS = 60_000;
/** Most characters of texts that are held without their keys; those of 10,000 bundles would take 12 MB. */
const MAX_HALF_CHARS = 2 * 1024 * 1024;

/**
 * Bundles that were opened before: they are read again right before their write, and parsed again only if their texts
 * differ.
 */
export class OpenedAhead {
  /** Ids of bundles that were read. Their source counts them as read, so the next scan has to ask for them again. */
  #read = new Set<string>();
  /** Bundles that passed the gate before their pass began. They hold keys, so they are dropped at its end. */
  readonly #held = new Map<string, { raw: RawBundle; opened: OpenedBundle }>();
  readonly #idle = new IdleTimer(() => this.#held.clear(), HELD_MS);
  /** Bundles that a scan found changed; they hold no keys. */
  readonly #halves = new Map<string, PublicHalf>();
  #halfChars = 0;
  readonly #halfIdle = new IdleTimer(() => this.clear(), HALF_HELD_MS);

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

  /** Holds a bundle without its key until the end of the pass. */
  holdHalf(id: string, raw: RawBundle, opened: OpenedBundle): void {
    const chars = this.#halfChars + charsOf(raw);
    const half = chars <= MAX_HALF_CHARS ? publicHalfOf(raw, opened) : null;
    if (half === null) return;
    this.#halves.set(id, half);
    this.#halfChars = chars;
    this.#halfIdle.touch();
  }

  /** As `understand`, without parsing what is held. */
  open(id: string, raw: Reading, known?: PemContent): ReturnType<typeof understand> {
    if (raw === null || isRefusal(raw)) return raw;
    const held = this.#held.get(id);
    if (held !== undefined && held.raw.key === raw.key && areSameTexts(held.raw, raw)) return held.opened;
    const half = this.#halves.get(id);
    return (half === undefined ? null : withKey(half, raw)) ?? understand(raw, known);
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
    this.#halves.clear();
    this.#halfChars = 0;
  }
}
