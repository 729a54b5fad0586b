import type { LeafFacts } from '../../certificates';
import { groupBy } from '../../common/multimap';
import { isLeafFile, type KnownFile, type LeafFile } from './known-files';

/** Tells whether there is a newer certificate of the same issuer, names and type of key. */
export function replacedAmong(
  certificates: readonly LeafFile[],
): (file: KnownFile, isInOneFolder: boolean) => boolean {
  const kindOf = ({ issuer, info: { keyType, names } }: LeafFacts) =>
    [keyType, issuer, ...[...names].sort()].join('\0');
  const everywhere = groupBy(certificates, ({ facts }) => kindOf(facts.leaf));
  const inFolder = groupBy(certificates, ({ folder, facts }) => `${folder}\0${kindOf(facts.leaf)}`);
  const generations = new Map([...everywhere, ...inFolder].map(([key, files]) => [key, new Ages(files)]));
  return (file, isInOneFolder) => {
    if (!isLeafFile(file)) return false;
    const kind = kindOf(file.facts.leaf);
    return generations.get(isInOneFolder ? `${file.folder}\0${kind}` : kind)?.hasNewer(file) ?? false;
  };
}

/** Leaves ordered by age; fast for any number of them. */
class Ages {
  readonly #files: readonly LeafFile[];
  /** At each index the latest expiry of that leaf and of all newer ones. */
  readonly #ends: number[];

  constructor(files: readonly LeafFile[]) {
    this.#files = [...files].sort(byAge);
    let latest = Number.NEGATIVE_INFINITY;
    this.#ends = this.#files
      .toReversed()
      .map(({ facts }) => (latest = Math.max(latest, facts.leaf.info.notAfter)))
      .reverse();
  }

  /** Whether a leaf is valid later from and longer until; of two with the same times one counts as newer. */
  hasNewer(file: LeafFile): boolean {
    let [low, high] = [0, this.#files.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (byAge(this.#files[middle] as LeafFile, file) > 0) high = middle;
      else low = middle + 1;
    }
    return (this.#ends[low] ?? Number.NEGATIVE_INFINITY) >= file.facts.leaf.info.notAfter;
  }
}

/**
 * Of two leaves issued in the same second the generation's number decides: `fullchain.pem` is the newest, then
 * `fullchain2.pem`.
 */
function byAge(a: LeafFile, b: LeafFile): number {
  const [first, second] = [a.facts.leaf, b.facts.leaf];
  return (
    first.info.notBefore - second.info.notBefore ||
    first.info.notAfter - second.info.notAfter ||
    (first.digest === second.digest
      ? 0
      : byNumber(a.name.number, b.name.number) || (first.digest < second.digest ? -1 : 1))
  );
}

function byNumber(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return a.length - b.length || (a < b ? -1 : Number(a > b));
}
