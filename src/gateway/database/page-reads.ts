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
/** A page should be used up within this time: the next one is asked for while half of it is left. */
const PAGE_MS = FRESH_MS / 2;

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
  /** How many certificates were taken without waiting since the last page came, and when that was. */
  #taken = { count: 0, since: 0 };

  constructor(private readonly client: AdminClient) {}

  /** Asks for the first page; meanwhile the first changes go through the gate. */
  async begin(): Promise<void> {
    void this.readOn();
    // The request is sent before the gate keeps this process busy.
    await setImmediate();
  }

  /** Null: to be read by itself. */
  async take(id: string): Promise<CertificateEntity | null> {
    if (!this.isToCome(id)) this.#taken.count += 1;
    while (this.isToCome(id)) await this.readOn();
    const found = this.#read.get(id);
    for (const passed of this.#read.keys()) {
      if (passed > id) break;
      this.#read.delete(passed);
    }
    if (this.#next !== null && this.#read.size < this.#size / 2) void this.readOn();
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
    if (this.#next === null) return;
    const at = performance.now();
    this.#size = this.sizeAt(at);
    const path = this.#next.replace(/\bsize=\d+/, `size=${this.#size}`);
    const { data, next } = await readPage<CertificateEntity>(this.client, path);
    this.#taken = { count: 0, since: performance.now() };
    for (const [id, { at: former }] of this.#read) if (at - former >= FRESH_MS) this.#read.delete(id);
    for (const entity of data) this.#read.set(entity.id, { entity, at });
    const last = data.at(-1)?.id ?? '';
    // A list that is in another order, or has no end, is not Kong's.
    this.#next = last > this.#last ? next : null;
    this.#last = last;
  }

  /** As many as are used up in time if writes go on taking as long as they did. */
  private sizeAt(now: number): number {
    const { count, since } = this.#taken;
    if (count === 0) return this.#size;
    const inTime = Math.floor((PAGE_MS * count) / (now - since));
    return Math.max(LEAST_SIZE, Math.min(PAGE_SIZE, inTime));
  }
}
