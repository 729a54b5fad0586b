import { rmSync } from 'node:fs';
import { readConfiguredFile } from '../common/configured-file';
import { replaceFile } from '../common/replace-file';

/** A source has another certificate than Kong for an entity of the ingress controller. */
export interface Difference {
  /** Chain that the source has. */
  chain: string;
  /** When it was first observed, and when the controller was nudged for it (milliseconds since the epoch). */
  since: number;
  nudgedAt: number | null;
}

/** Differences by half of a certificate. */
export interface DifferenceStore {
  load(): ReadonlyMap<string, Difference>;
  /**
   * @param open present differences
   * @param closed those that are over
   */
  save(open: ReadonlyMap<string, Difference>, closed: readonly string[]): void;
}

/** Differences not observed for this long are forgotten. */
const KEPT_MS = 8 * 86_400_000;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Keeps differences in a small file, so that single runs know since when they exist. It holds ids, digests and
 * times. Simultaneous runs with different sources keep each other's entries; where the file is unusable, each run
 * starts without a memory.
 */
export class DifferenceFile implements DifferenceStore {
  constructor(
    private readonly path: string,
    private readonly now: () => number = Date.now,
  ) {}

  load(): Map<string, Difference> {
    try {
      const entries = JSON.parse(readConfiguredFile(this.path, MAX_BYTES)) as Record<string, unknown>;
      return new Map(
        Object.entries(entries).filter((entry): entry is [string, Difference] => this.isSound(entry[1])),
      );
    } catch {
      return new Map();
    }
  }

  save(open: ReadonlyMap<string, Difference>, closed: readonly string[]): void {
    const all = this.load();
    const isChanged =
      closed.some((key) => all.has(key)) ||
      [...open].some(
        ([key, { chain, nudgedAt }]) => all.get(key)?.chain !== chain || all.get(key)?.nudgedAt !== nudgedAt,
      );
    if (!isChanged) return;
    for (const key of closed) all.delete(key);
    for (const [key, difference] of open) all.set(key, difference);
    try {
      if (all.size === 0) rmSync(this.path, { force: true });
      else replaceFile(this.path, `${JSON.stringify(Object.fromEntries(all))}\n`, null);
    } catch {
      // The next run starts without a memory.
    }
  }

  private isSound(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const { chain, since, nudgedAt } = value as Partial<Record<keyof Difference, unknown>>;
    const isTime = typeof since === 'number' && this.now() - since < KEPT_MS;
    return typeof chain === 'string' && isTime && (nudgedAt === null || typeof nudgedAt === 'number');
  }
}
