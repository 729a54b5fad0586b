import { coversSni, isPattern } from '../certificates';
import { deterministicId, type SourcedBundle, type StoredCertificate, type StoredHalf } from '../model';
import { compareAge } from './age';

/** Finds bundles by name, by content and by the id of the certificate that would be created for them. */
export class BundleIndex {
  /** Newest first. */
  readonly all: readonly SourcedBundle[];
  readonly #byName = new Map<string, SourcedBundle[]>();
  readonly #byContent = new Map<string, SourcedBundle[]>();
  readonly #byCertificateId = new Map<string, SourcedBundle>();

  constructor(bundles: Iterable<SourcedBundle>) {
    this.all = [...bundles].sort((a, b) => compareAge(b.leaf, a.leaf) || (a.id < b.id ? -1 : 1));
    for (const bundle of this.all) {
      for (const name of bundle.leaf.names) push(this.#byName, name, bundle);
      push(this.#byContent, bundle.content, bundle);
      if (bundle.create) this.#byCertificateId.set(deterministicId('certificate', bundle.id), bundle);
    }
  }

  /** Every bundle that this half of a certificate could have, best first. */
  candidates(certificate: StoredCertificate, stored: StoredHalf, hasTwin: boolean): SourcedBundle[] {
    const found = new Set<SourcedBundle>();
    if (certificate.owner === 'us') {
      const own = this.#byCertificateId.get(certificate.id);
      if (own !== undefined) found.add(own);
    }
    for (const bundle of this.covering(certificate.snis, stored)) found.add(bundle);
    if (certificate.snis.length === 0 && stored.content !== '') {
      for (const bundle of this.#byContent.get(stored.content) ?? []) found.add(bundle);
    }
    const keyType = stored.leaf?.keyType;
    const usable = hasTwin ? [...found].filter((bundle) => bundle.leaf.keyType === keyType) : [...found];
    const ownId = certificate.owner === 'us' ? certificate.id : null;
    const names = stored.leaf === null ? null : nameSet(stored.leaf.names);
    const rank = (bundle: SourcedBundle) =>
      Number(ownId !== null && this.#byCertificateId.get(ownId) === bundle) * 4 +
      Number(nameSet(bundle.leaf.names) === names) * 2 +
      Number(bundle.leaf.keyType === keyType);
    const isSame = (bundle: SourcedBundle) => Number(bundle.chain === stored.chain);
    return usable.sort(
      (a, b) =>
        rank(b) - rank(a) ||
        compareAge(b.leaf, a.leaf) ||
        isSame(b) - isSame(a) ||
        b.chainLength - a.chainLength ||
        (a.id < b.id ? -1 : 1),
    );
  }

  /**
   * No certificate can promise Kong's own patterns (`*`, `example.*`); where one is among the SNIs, only a bundle
   * with every name of the present leaf is taken for its renewal.
   */
  private covering(snis: readonly string[], stored: StoredHalf): SourcedBundle[] {
    const needed = snis.some(isPattern) ? [...snis, ...(stored.leaf?.names ?? [])] : snis;
    const first = needed.find((sni) => !isPattern(sni));
    if (first === undefined) return [];
    const dot = first.indexOf('.');
    const wildcard = dot > 0 && !first.startsWith('*') ? this.#byName.get(`*${first.slice(dot)}`) : undefined;
    const likely = [...(this.#byName.get(first) ?? []), ...(wildcard ?? [])];
    return likely.filter((bundle) => needed.every((sni) => coversSni(bundle.leaf.names, sni)));
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

const nameSet = (names: readonly string[]) => [...names].sort().join(' ');
