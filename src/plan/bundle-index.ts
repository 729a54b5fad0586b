import { isPattern } from '../certificates';
import {
  deterministicId,
  inTurn,
  ownerOf,
  type CertificateInfo,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { allNames, covers, sameNames, wildcardOf } from './names';
import { byPlace } from './ranking';

/** Ids of the certificates to create for bundles; cached, since bundles live from pass to pass. */
const ids = new WeakMap<SourcedBundle, string>();

export function certificateIdOf(bundle: SourcedBundle): string {
  const known = ids.get(bundle);
  if (known !== undefined) return known;
  const id = deterministicId('certificate', bundle.snis?.join(' ') ?? bundle.id);
  ids.set(bundle, id);
  return id;
}

/** A client's certificate sometimes has a server's names: those of the service that is the client. */
export const isForServers = ({ leaf }: SourcedBundle): boolean => leaf.isForServers ?? true;

/**
 * Most bundles of one name that are considered; a tenant may put any number of them into a cluster, which hide none of
 * another owner.
 */
const MOST_OF_A_NAME = 64;

/** A list in a map of which nearly all have one member. */
type Few<T> = T | T[];

/** Lists of up to this length are searched linearly. */
const FEW = 4;

const NONE: readonly SourcedBundle[] = [];

/** Finds bundles by place, name and content, and by the certificate created for them. */
export class BundleIndex {
  readonly bundles: readonly SourcedBundle[];
  readonly #broken: readonly SourcedBundle[];
  readonly #byName = new Map<string, Few<SourcedBundle>>();
  /** By the Secret's UID, and by its `namespace/name`. */
  readonly #bySecret = new Map<string, SourcedBundle>();
  /** Bundles with SNIs of their own, by the id of their one certificate. */
  readonly #fixed = new Map<string, Few<SourcedBundle>>();
  /** Locations of those: files that Kong itself reads. */
  readonly #ofKong = new Set<string>();
  /** Names with too many bundles, of which only the first are kept. */
  readonly #cut = new Set<string>();
  #byId: Map<string, SourcedBundle> | null = null;
  #byChain: Map<string, Few<SourcedBundle>> | null = null;
  #byCertificateId: Map<string, SourcedBundle> | null = null;
  #brokenById: ReadonlySet<string> | null = null;
  /** Unreadable bundles in their former state, by chain. */
  #brokenByChain: Map<string, Few<SourcedBundle>> | null = null;

  constructor(bundles: Iterable<SourcedBundle>, broken: readonly SourcedBundle[]) {
    this.bundles = [...bundles];
    this.#broken = broken;
    for (const bundle of this.bundles) {
      if (bundle.snis !== undefined) {
        push(this.#fixed, certificateIdOf(bundle), bundle);
        this.#ofKong.add(bundle.location);
        continue;
      }
      const names = allNames(bundle.leaf);
      for (const name of names) push(this.#byName, name, bundle);
      if (names.length === 0) push(this.#byName, '', bundle);
      if (bundle.secret === undefined) continue;
      const { uid, namespace, name, cluster } = bundle.secret;
      // Writers into Kong mean the cluster that Kong is in; another cluster may give its objects any UID.
      for (const key of [uid, `${namespace}/${name}`])
        if (cluster === undefined || !this.#bySecret.has(key)) this.#bySecret.set(key, bundle);
    }
  }

  /** @param name a name that it probably has */
  byId(place: string, name?: string): SourcedBundle | undefined {
    const likely = name === undefined ? NONE : this.named(name);
    const found = likely.length <= FEW ? likely.find(({ id }) => id === place) : undefined;
    if (found !== undefined) return found;
    this.#byId ??= new Map(this.bundles.map((bundle) => [bundle.id, bundle]));
    return this.#byId.get(place);
  }

  /** Whether the bundle at a place is unreadable now. */
  isBroken(place: string): boolean {
    this.#brokenById ??= new Set(this.#broken.map(({ id }) => id));
    return this.#brokenById.has(place);
  }

  /** Whether Kong itself reads this file, whatever certificates it stores. */
  isOfKong({ location }: SourcedBundle): boolean {
    return this.#ofKong.has(location);
  }

  /** Bundles with this chain. Equal content means the same key as well. */
  having({ chain, leaf }: StoredHalf): readonly SourcedBundle[] {
    if (leaf === null) return NONE;
    // Bundles with one chain have one leaf, so one of its names finds them all.
    const first = leaf.names[0] ?? leaf.ips?.[0] ?? '';
    const likely = this.named(first);
    if (likely.length === 0) return NONE;
    const [only] = likely;
    if (likely.length === 1) return only?.chain === chain || only?.rawChain === chain ? likely : NONE;
    this.#byChain ??= mapByChain(this.bundles.filter(({ snis }) => snis === undefined));
    return listOf(this.#byChain.get(chain));
  }

  /** Unreadable bundles that formerly had this chain. */
  brokenHaving({ chain }: StoredHalf): readonly SourcedBundle[] {
    if (this.#broken.length === 0 || chain === '') return NONE;
    this.#brokenByChain ??= mapByChain(this.#broken);
    return listOf(this.#brokenByChain.get(chain));
  }

  /** Bundles with SNIs of their own, for the certificate with this id. */
  fixedFor(certificateId: string): readonly SourcedBundle[] {
    return listOf(this.#fixed.get(certificateId));
  }

  /** The bundle for which a certificate of ours was created. */
  byCertificateId(id: string): SourcedBundle | undefined {
    if (this.#byCertificateId === null) {
      const own = this.bundles.filter((bundle) => bundle.create && bundle.snis === undefined);
      this.#byCertificateId = new Map(own.map((bundle) => [certificateIdOf(bundle), bundle]));
    }
    return this.#byCertificateId.get(id);
  }

  /** Whether a certificate's id is the UID of a Secret, as the ingress controller sets it. */
  isSecrets({ id }: StoredCertificate): boolean {
    return this.#bySecret.has(id);
  }

  /** @param name `namespace/name` */
  secretNamed(name: string): SourcedBundle | undefined {
    return this.#bySecret.get(name);
  }

  /** The Secret of a certificate: the ingress controller uses its UID as the certificate's id, or names it in tags. */
  secretOf({ id, secret, secretUid }: StoredCertificate): SourcedBundle | undefined {
    if (this.#bySecret.size === 0) return undefined;
    const byUid =
      this.#bySecret.get(id) ?? (secretUid === undefined ? undefined : this.#bySecret.get(secretUid));
    return byUid ?? (secret === null ? undefined : this.#bySecret.get(secret));
  }

  /**
   * Bundles that cover every SNI. Kong's own patterns (`*`, `example.*`) name no host: where one is among the SNIs,
   * only bundles with every name and address of the present leaf count.
   */
  covering({ snis }: StoredCertificate, { leaf }: StoredHalf): readonly SourcedBundle[] {
    const present = leaf !== null && snis.some(isPattern) ? allNames(leaf) : [];
    const needed = present.length === 0 ? snis : [...snis, ...present];
    const first = needed.find((sni) => !isPattern(sni));
    if (first === undefined) return NONE;
    const wildcard = wildcardOf(first);
    const exact = this.named(first);
    const wide = wildcard === null ? NONE : this.named(wildcard);
    if (exact.length + wide.length === 0) return NONE;
    const all = wide.length === 0 ? exact : [...exact, ...wide];
    const isFit = (bundle: SourcedBundle) =>
      isForServers(bundle) &&
      needed.every((sni) => covers(bundle.leaf, sni) || bundle.leaf.ips?.includes(sni) === true);
    return all.every(isFit) ? all : all.filter(isFit);
  }

  /** Bundles with exactly the names of a leaf (where it has none, with its subject). */
  alike({ names, ips = [], subject }: CertificateInfo): readonly SourcedBundle[] {
    const [first = ''] = [...names, ...ips];
    return this.named(first).filter(
      ({ leaf }) =>
        sameNames(leaf.names, names) && sameNames(leaf.ips ?? [], ips) && leaf.subject === subject,
    );
  }

  /** Bundles with this very name. */
  named(name: string): readonly SourcedBundle[] {
    const found = this.#byName.get(name);
    if (found === undefined) return NONE;
    if (!Array.isArray(found)) {
      const list = [found];
      this.#byName.set(name, list);
      return list;
    }
    if (found.length > MOST_OF_A_NAME && !this.#cut.has(name)) {
      const first = inTurn(found.sort(byPlace), ownerOf).slice(0, MOST_OF_A_NAME);
      found.splice(0, found.length, ...first);
      this.#cut.add(name);
    }
    return found;
  }
}

function mapByChain(bundles: readonly SourcedBundle[]): Map<string, Few<SourcedBundle>> {
  const map = new Map<string, Few<SourcedBundle>>();
  for (const bundle of bundles) {
    push(map, bundle.chain, bundle);
    if (bundle.rawChain !== bundle.chain) push(map, bundle.rawChain, bundle);
  }
  return map;
}

function push<T>(map: Map<string, Few<T>>, key: string, value: T): void {
  const known = map.get(key);
  if (known === undefined) map.set(key, value);
  else if (Array.isArray(known)) known.push(value);
  else map.set(key, [known, value]);
}

function listOf(few: Few<SourcedBundle> | undefined): readonly SourcedBundle[] {
  return few === undefined ? NONE : Array.isArray(few) ? few : [few];
}
