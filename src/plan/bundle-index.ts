import { coversSni, isPattern } from '../certificates';
import {
  compareAge,
  deterministicId,
  type CertificateInfo,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';

/** Ids of the certificates that bundles are created as; the bundles live from pass to pass. */
const ids = new WeakMap<SourcedBundle, string>();

export function certificateIdOf(bundle: SourcedBundle): string {
  const known = ids.get(bundle);
  if (known !== undefined) return known;
  const id = deterministicId('certificate', bundle.snis?.join(' ') ?? bundle.id);
  ids.set(bundle, id);
  return id;
}

/** A client's certificate has the names of a server at times: of the service that is the client. */
export const isForServers = ({ leaf }: SourcedBundle): boolean => leaf.isForServers ?? true;

/** Finds bundles by name, by content and by the id of the certificate that is created for them. */
export class BundleIndex {
  readonly #bundles: readonly SourcedBundle[];
  readonly #byName = new Map<string, SourcedBundle[]>();
  #nameless: readonly SourcedBundle[] | null = null;
  #byContent: Map<string, SourcedBundle[]> | null = null;
  #byCertificateId: Map<string, SourcedBundle> | null = null;
  /** By the UID of the Secret, and by its `namespace/name`. */
  readonly #bySecret = new Map<string, SourcedBundle>();
  /** Bundles with SNIs of their own, by the id of the one certificate that they are for. */
  readonly #fixed = new Map<string, SourcedBundle[]>();
  /** Where those are: files that Kong itself reads. */
  readonly #ofKong = new Set<string>();

  constructor(bundles: Iterable<SourcedBundle>) {
    this.#bundles = [...bundles];
    for (const bundle of this.#bundles) {
      if (bundle.snis !== undefined) {
        push(this.#fixed, certificateIdOf(bundle), bundle);
        this.#ofKong.add(bundle.location);
        continue;
      }
      for (const name of bundle.leaf.names) push(this.#byName, name, bundle);
      if (bundle.secret === undefined) continue;
      this.#bySecret.set(bundle.secret.uid, bundle);
      // Who writes such a name into Kong's tags means the cluster that Kong is in.
      const name = `${bundle.secret.namespace}/${bundle.secret.name}`;
      if (bundle.secret.cluster === undefined || !this.#bySecret.has(name)) this.#bySecret.set(name, bundle);
    }
  }

  /** Whether Kong has it from a file of its own, too, whatever its certificates are. */
  isOfKong({ location }: SourcedBundle): boolean {
    return this.#ofKong.has(location);
  }

  /** Those that `isWanted`, newest first. */
  newestFirst(isWanted: (bundle: SourcedBundle) => boolean): SourcedBundle[] {
    return this.#bundles
      .filter(isWanted)
      .sort((a, b) => compareAge(b.leaf, a.leaf) || (a.id < b.id ? -1 : 1));
  }

  /**
   * Bundles for the other half of a certificate that has (or gets) this leaf, best first: the same names, another
   * type of key. RSA and ECDSA are what clients differ in, so these two come first.
   */
  twinsOf(
    certificateId: string,
    { names, keyType }: Pick<CertificateInfo, 'names' | 'keyType'>,
  ): SourcedBundle[] {
    const rank = (bundle: SourcedBundle) => ['rsa', 'ec', 'ed25519'].indexOf(bundle.leaf.keyType);
    const [first = ''] = names;
    const likely =
      this.#fixed.get(certificateId) ??
      (this.#byName.get(first) ?? []).filter((bundle) => sameNames(bundle.leaf.names, names));
    return likely
      .filter(
        (bundle) =>
          bundle.create && isForServers(bundle) && rank(bundle) !== -1 && bundle.leaf.keyType !== keyType,
      )
      .sort((a, b) => rank(a) - rank(b) || compareAge(b.leaf, a.leaf) || (a.id < b.id ? -1 : 1));
  }

  /** Every bundle that this half of a certificate could have, best first. */
  candidates(certificate: StoredCertificate, stored: StoredHalf, hasTwin: boolean): SourcedBundle[] {
    const source = this.secretOf(certificate);
    // What the ingress controller took from a Secret follows that Secret and nothing else.
    if (source !== undefined) return [source];
    const fixed = certificate.owner === 'us' ? this.#fixed.get(certificate.id) : undefined;
    const own = certificate.owner === 'us' ? this.byCertificateId(certificate.id) : undefined;
    const found = fixed?.slice() ?? this.covering(certificate.snis, stored);
    if (own !== undefined && !found.includes(own)) found.push(own);
    if (certificate.snis.length === 0) found.push(...this.forNoName(stored));
    const keyType = stored.leaf?.keyType;
    const usable = hasTwin ? found.filter((bundle) => bundle.leaf.keyType === keyType) : found;
    if (usable.length < 2) return usable;
    const names = stored.leaf?.names ?? [];
    const rank = (bundle: SourcedBundle) =>
      Number(bundle === own) * 4 +
      Number(sameNames(bundle.leaf.names, names)) * 2 +
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

  /** The ingress controller gives a certificate the UID of its Secret, or names the Secret in tags. */
  private secretOf({ id, secret }: StoredCertificate): SourcedBundle | undefined {
    return this.#bySecret.get(id) ?? (secret === null ? undefined : this.#bySecret.get(secret));
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
    return likely.filter(
      (bundle) => isForServers(bundle) && needed.every((sni) => coversSni(bundle.leaf.names, sni)),
    );
  }

  /**
   * A certificate without SNIs is one that services show to their upstreams: it is renewed by one that is about the
   * same, and that a client may show if it is one.
   */
  private forNoName({ content, leaf }: StoredHalf): readonly SourcedBundle[] {
    const same = content === '' ? [] : this.withContent(content);
    if (leaf === null) return same;
    const isAlike = (bundle: SourcedBundle) =>
      sameNames(bundle.leaf.names, leaf.names) &&
      bundle.leaf.subject === leaf.subject &&
      (bundle.leaf.isForClients ?? true) === (leaf.isForClients ?? true);
    const likely = leaf.names.length > 0 ? (this.#byName.get(leaf.names[0] ?? '') ?? []) : this.nameless();
    return [...new Set([...same, ...likely.filter(isAlike)])];
  }

  private nameless(): readonly SourcedBundle[] {
    this.#nameless ??= this.#bundles.filter(({ leaf }) => leaf.names.length === 0);
    return this.#nameless;
  }

  private byCertificateId(id: string): SourcedBundle | undefined {
    if (this.#byCertificateId === null) {
      const own = this.#bundles.filter((bundle) => bundle.create && bundle.snis === undefined);
      this.#byCertificateId = new Map(own.map((bundle) => [certificateIdOf(bundle), bundle]));
    }
    return this.#byCertificateId.get(id);
  }

  private withContent(content: string): readonly SourcedBundle[] {
    if (this.#byContent === null) {
      this.#byContent = new Map();
      for (const bundle of this.#bundles) push(this.#byContent, bundle.content, bundle);
    }
    return this.#byContent.get(content) ?? [];
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

export function sameNames(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name) => b.includes(name));
}
