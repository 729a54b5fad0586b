import { readFileSync } from 'node:fs';
import { isRefusal, type RawBundle, type Refusal, type ScanOptions, type Source } from '../../src/model';
import { eventually } from './eventually';

/** The bundles of a source as a reloader would know them: every bundle that changed is read. */
export class Reader {
  readonly bundles = new Map<string, RawBundle | Refusal>();

  constructor(
    readonly source: Source,
    /** Ends what the source keeps open. */
    readonly close: () => void = () => undefined,
  ) {}

  /** One scan, with every changed bundle read. @returns what the scan reported */
  async pass(touched?: ReadonlySet<string>, options?: ScanOptions) {
    const scan = await this.source.scan(touched, options);
    for (const name of scan.removed) this.bundles.delete(name);
    for (const name of scan.changed) {
      const found = await this.source.read(name);
      if (found === null) this.bundles.delete(name);
      else this.bundles.set(name, found);
    }
    return scan;
  }

  /** Passes until nothing changes any more: files that were just written are looked at twice. */
  async settle(): Promise<void> {
    await eventually('the source settles', async () => {
      const { changed, removed } = await this.pass();
      return changed.length === 0 && removed.length === 0;
    });
  }

  get names(): string[] {
    return [...this.bundles.keys()].sort();
  }

  /** Certificate and key texts of one bundle. */
  texts(name: string): { cert: string; key: string } | string {
    const found = this.bundles.get(name);
    if (found === undefined) return 'nothing';
    return isRefusal(found) ? found.reason : { cert: found.cert, key: found.key };
  }
}

/** The texts that stand in two files, as a source returns them. */
export const textsOf = (cert: string, key: string) => ({
  cert: readFileSync(cert, 'latin1'),
  key: readFileSync(key, 'latin1'),
});
