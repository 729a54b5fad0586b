import { stampOf, toStamp, type Stamp } from '../../common/stamp';
import type { PlaceAccess } from '../files/access';
import type { FileContents } from './contents';

/** Stamps of files during one scan; each is fetched once. */
export class ScanStamps {
  readonly #known = new Map<string, Stamp | null>();

  constructor(
    private readonly access: PlaceAccess,
    private readonly contents: FileContents,
  ) {}

  readonly of = (path: string): Stamp | null => {
    if (this.access.isLocal && !this.contents.has(path)) return stampOf(path);
    const known = this.#known.get(path);
    if (known !== undefined) return known;
    // Where a call may hang, a stamp that was not fetched waits for the next scan.
    const stamp = this.access.isLocal ? stampOf(path) : null;
    this.#known.set(path, stamp);
    return stamp;
  };

  async fetch(path: string): Promise<void> {
    const stat = await this.access.stat(path);
    this.#known.set(path, stat === null ? null : toStamp(stat));
  }
}
