import { rmSync } from 'node:fs';
import { readConfiguredFile } from '../common/configured-file';
import { replaceFile } from '../common/replace-file';

/** That a source has another certificate for the ingress controller's than Kong. */
export interface Difference {
  /** Of what the source has. */
  chain: string;
  /** When it was first seen, and when the controller was nudged for it (milliseconds since the epoch). */
  since: number;
  nudgedAt: number | null;
}

/** Differences by half of a certificate. */
export interface DifferenceStore {
  load(): ReadonlyMap<string, Difference>;
  /** @param open those that stand @param closed those that do not any more */
  save(open: ReadonlyMap<string, Difference>, closed: readonly string[]): void;
}

/** A difference that nobody has seen for so long is forgotten. */
const KEPT_MS = 8 * 86_400_000;
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Differences in a small file, so that one-shot runs know since when they stand. It holds ids, digests and times. Runs at
 * the same time with different sources keep each other's; where the file cannot be had, each run begins anew.
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
      // The next run begins anew.
    }
  }

  private isSound(value: unknown): boolean {
    if (typeof value !== 'object' || value === null) return false;
    const { chain, since, nudgedAt } = value as Partial<Record<keyof Difference, unknown>>;
    const isTime = typeof since === 'number' && this.now() - since < KEPT_MS;
    return typeof chain === 'string' && isTime && (nudgedAt === null || typeof nudgedAt === 'number');
  }
}
