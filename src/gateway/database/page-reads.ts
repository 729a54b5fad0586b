import { setImmediate } from 'node:timers/promises';
import type { AdminClient } from '../admin/client';
import type { CertificateEntity } from '../admin/entities';
import { readPage } from '../admin/pages';

/** Certificates of one request; few, so that each is written right after it was read. */
const PAGE_SIZE = 50;
const LEAST_SIZE = 10;
/** From so many on pages are read. */
const MANY = 100;
/** An answer that is older says too little about what Kong has now. */
export const FRESH_MS = 250;
/** A page should be used up within this time. The next one is asked for while half of it is left, or earlier if it takes long. */
const PAGE_MS = FRESH_MS / 2;
/** And that with the rest of the page before it, which is left when it is asked for. */
const MOST_MS = 0.9 * FRESH_MS;

/** Whether most certificates of a Kong are read. */
export const areMost = (wanted: number, stored: number): boolean => wanted >= MANY && 2 * wanted >= stored;

/**
 * Reads certificates before they are written, a page at a time: for callers that want most of them, in the order of
 * their ids, which is the order of Kong's lists. Each is handed out once, and only while it is fresh.
 */
export class PageReads {
  readonly #read = new Map<string, { entity: CertificateEntity; at: number }>();
  #next: string | null = `/certificates?size=${PAGE_SIZE}`;
  #coming: Promise<void> | null = null;
  /** Id of the last certificate that was read. */
  #last = '';
  #size = PAGE_SIZE;
  /** Since the last page was asked for: how many certificates were taken, and how long all who took them waited. */
  #taken = { since: 0, count: 0, waitedMs: 0 };
  /** How many would be taken in a millisecond if nobody waited. */
  #perMs = 0;
  /** How long the last page took. */
  #latencyMs = 0;

  /** @param readers how many take at the same time */
  constructor(
    private readonly client: AdminClient,
    private readonly readers: number,
  ) {}

  /** Asks for the first page; meanwhile the first changes go through the gate. */
  async begin(): Promise<void> {
    void this.readOn();
    // The request is sent before the gate keeps this process busy.
    await setImmediate();
  }

  /** Null: to be read by itself. */
  async take(id: string): Promise<CertificateEntity | null> {
    const asked = performance.now();
    while (this.isToCome(id)) await this.readOn();
    this.#taken.count += 1;
    this.#taken.waitedMs += performance.now() - asked;
    const found = this.#read.get(id);
    for (const passed of this.#read.keys()) {
      if (passed > id) break;
      this.#read.delete(passed);
    }
    const fewest = Math.min(PAGE_SIZE, Math.max(this.#size / 2, this.#perMs * this.#latencyMs));
    if (this.#next !== null && this.#read.size < fewest) void this.readOn();
    return found !== undefined && performance.now() - found.at < FRESH_MS ? found.entity : null;
  }

  private isToCome(id: string): boolean {
    return this.#next !== null && id > this.#last;
  }

  /** A page that cannot be read ends it. */
  private readOn(): Promise<void> {
    this.#coming ??= this.readNext()
      .catch(() => {
        this.#next = null;
      })
      .finally(() => {
        this.#coming = null;
      });
    return this.#coming;
  }

  private async readNext(): Promise<void> {
    // All who waited for the last page take theirs first, so that it is known how long they waited.
    await Promise.resolve();
    if (this.#next === null) return;
    const at = performance.now();
    this.#size = this.sizeAt(at);
    this.#taken = { since: at, count: 0, waitedMs: 0 };
    const path = this.#next.replace(/\bsize=\d+/, `size=${this.#size}`);
    const { data, next } = await readPage<CertificateEntity>(this.client, path);
    this.#latencyMs = performance.now() - at;
    for (const [id, { at: former }] of this.#read) if (at - former >= FRESH_MS) this.#read.delete(id);
    for (const entity of data) this.#read.set(entity.id, { entity, at });
    const last = data.at(-1)?.id ?? '';
    // A list that is in another order, or has no end, is not Kong's.
    this.#next = last > this.#last ? next : null;
    this.#last = last;
  }

  /**
   * As many as are used up in time if writes go on taking as long as they did. Waits for pages are left out: writes that
   * wait seem to be slow, pages would get smaller, and there would be more to wait for.
   */
  private sizeAt(now: number): number {
    const { since, count, waitedMs } = this.#taken;
    if (count === 0) return this.#size;
    const ms = now - since;
    this.#perMs = count / Math.max(1, ms / 4, ms - waitedMs / this.readers);
    const inTime = Math.floor(this.#perMs * Math.min(PAGE_MS, MOST_MS - this.#latencyMs));
    return Math.max(LEAST_SIZE, Math.min(PAGE_SIZE, inTime));
  }
}
