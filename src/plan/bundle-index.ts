import { isPattern } from '../certificates';
import {
  deterministicId,
  type CertificateInfo,
  type SourcedBundle,
  type StoredCertificate,
  type StoredHalf,
} from '../model';
import { allNames, covers, sameNames, wildcardOf } from './names';
import { byPlace } from './ranking';

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

/** Bundles of one name that are looked at; somebody may put any number of them into a cluster. */
const MOST_OF_A_NAME = 64;

/** Finds bundles by place, name, content, and the certificate that is theirs. */
export class BundleIndex {
  readonly bundles: readonly SourcedBundle[];
  readonly #byId = new Map<string, SourcedBundle>();
  readonly #byName = new Map<string, SourcedBundle[]>();
  readonly #byContent = new Map<string, SourcedBundle[]>();
  readonly #byChain = new Map<string, SourcedBundle[]>();
  /** Bundles that are not understood now, as they were, by the chain that they had. */
  readonly #brokenByChain = new Map<string, SourcedBundle[]>();
  readonly #broken = new Set<string>();
  #byCertificateId: Map<string, SourcedBundle> | null = null;
  /** By the UID of the Secret, and by its `namespace/name`. */
  readonly #bySecret = new Map<string, SourcedBundle>();
  /** Bundles with SNIs of their own, by the id of the one certificate that they are for. */
  readonly #fixed = new Map<string, SourcedBundle[]>();
  /** Where those are: files that Kong itself reads. */
  readonly #ofKong = new Set<string>();
  /** Names of which there are too many bundles, cut down to those that come first. */
  readonly #cut = new Set<string>();

  constructor(bundles: Iterable<SourcedBundle>, broken: Iterable<SourcedBundle>) {
    this.bundles = [...bundles];
    for (const bundle of this.bundles) {
      this.#byId.set(bundle.id, bundle);
      if (bundle.snis !== undefined) {
        push(this.#fixed, certificateIdOf(bundle), bundle);
        this.#ofKong.add(bundle.location);
        continue;
      }
      push(this.#byContent, bundle.content, bundle);
      push(this.#byChain, bundle.chain, bundle);
      if (bundle.rawChain !== bundle.chain) push(this.#byChain, bundle.rawChain, bundle);
      const names = allNames(bundle.leaf);
      for (const name of names) push(this.#byName, name, bundle);
      if (names.length === 0) push(this.#byName, '', bundle);
      if (bundle.secret === undefined) continue;
      this.#bySecret.set(bundle.secret.uid, bundle);
      // Who writes such a name into Kong's tags means the cluster that Kong is in.
      const name = `${bundle.secret.namespace}/${bundle.secret.name}`;
      if (bundle.secret.cluster === undefined || !this.#bySecret.has(name)) this.#bySecret.set(name, bundle);
    }
    for (const bundle of broken) {
      const { id, chain, rawChain } = bundle;
      this.#broken.add(id);
      push(this.#brokenByChain, chain, bundle);
      if (rawChain !== chain) push(this.#brokenByChain, rawChain, bundle);
    }
  }

  byId(place: string): SourcedBundle | undefined {
    return this.#byId.get(place);
  }

  /** Whether something is there that is not understood now. */
  isBroken(place: string): boolean {
    return this.#broken.has(place);
  }

  /** Whether Kong has it from a file of its own, too, whatever its certificates are. */
  isOfKong({ location }: SourcedBundle): boolean {
    return this.#ofKong.has(location);
  }

  /** Bundles with this text or this chain. */
  having({ content, chain }: StoredHalf): readonly SourcedBundle[] {
    if (chain === '') return [];
    const same = this.#byContent.get(content);
    const alike = this.#byChain.get(chain);
    if (same === undefined || alike === undefined || same.length === alike.length) return same ?? alike ?? [];
    return [...new Set([...same, ...alike])];
  }

  /** Bundles that had this chain when they were last understood. */
  brokenHaving({ chain }: StoredHalf): readonly SourcedBundle[] {
    return (chain === '' ? undefined : this.#brokenByChain.get(chain)) ?? [];
  }

  /** Bundles with SNIs of their own, for the one certificate that has this id. */
  fixedFor(certificateId: string): readonly SourcedBundle[] {
    return this.#fixed.get(certificateId) ?? [];
  }

  fixed(): Iterable<readonly SourcedBundle[]> {
    return this.#fixed.values();
  }

  /** The bundle that a certificate of ours was created for. */
  byCertificateId(id: string): SourcedBundle | undefined {
    if (this.#byCertificateId === null) {
      const own = this.bundles.filter((bundle) => bundle.create && bundle.snis === undefined);
      this.#byCertificateId = new Map(own.map((bundle) => [certificateIdOf(bundle), bundle]));
    }
    return this.#byCertificateId.get(id);
  }

  /** The ingress controller gives a certificate the UID of its Secret, or names the Secret in tags. */
  secretOf({ id, secret, secretUid }: StoredCertificate): SourcedBundle | undefined {
    const byUid =
      this.#bySecret.get(id) ?? (secretUid === undefined ? undefined : this.#bySecret.get(secretUid));
    return byUid ?? (secret === null ? undefined : this.#bySecret.get(secret));
  }

  /**
   * Bundles that cover every SNI. Kong's own patterns (`*`, `example.*`) say nothing of names: where one is among the
   * SNIs, only bundles with every name and address of the present leaf.
   */
  covering({ snis }: StoredCertificate, { leaf }: StoredHalf): readonly SourcedBundle[] {
    const present = leaf !== null && snis.some(isPattern) ? allNames(leaf) : [];
    const needed = present.length === 0 ? snis : [...snis, ...present];
    const first = needed.find((sni) => !isPattern(sni));
    if (first === undefined) return [];
    const wildcard = wildcardOf(first);
    const exact = this.named(first);
    const likely = wildcard === null ? exact : [...exact, ...this.named(wildcard)];
    return likely.filter(
      (bundle) =>
        isForServers(bundle) &&
        needed.every((sni) => covers(bundle.leaf, sni) || bundle.leaf.ips?.includes(sni) === true),
    );
  }

  /** Bundles with exactly the names of a leaf (or, where it has none, with its subject). */
  alike({ names, ips = [], subject }: CertificateInfo): readonly SourcedBundle[] {
    const [first = ''] = [...names, ...ips];
    return this.named(first).filter(
      ({ leaf }) =>
        sameNames(leaf.names, names) && sameNames(leaf.ips ?? [], ips) && leaf.subject === subject,
    );
  }

  private named(name: string): readonly SourcedBundle[] {
    const found = this.#byName.get(name);
    if (found === undefined || found.length <= MOST_OF_A_NAME || this.#cut.has(name)) return found ?? [];
    found.sort(byPlace).splice(MOST_OF_A_NAME);
    this.#cut.add(name);
    return found;
  }
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}
