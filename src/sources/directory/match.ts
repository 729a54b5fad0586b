import type { LeafFacts } from '../../certificates';
import { groupBy, push } from '../../common/multimap';
import { printable } from '../../common/printable';
import { refusal, type StrayFile } from '../../model';
import { besideOf, type BesideIndex, indexBeside } from './beside';
import { replacedAmong } from './generations';
import { bestOf, isClosed, isLeafFile, nameIn, nearest, type KnownFile, type LeafFile } from './known-files';

interface MatchedFiles {
  cert: string;
  /** Null: it is in the certificate's file. */
  key: string | null;
  /** Whether it is a leaf without a key. */
  isAlone: boolean;
  /** Whether the number in its name is that of a generation: the next one is the same bundle. */
  isNumbered: boolean;
  /** Files with certificates that may complete its chain. */
  beside: readonly string[];
}

interface Match {
  bundles: MatchedFiles[];
  strays: StrayFile[];
}

/** A certificate with its key; null: in one file. */
interface Pair {
  cert: KnownFile;
  key: KnownFile | null;
}

/**
 * Finds files that belong together by content: a leaf and the key with the same public key, in one folder or in
 * two. Where a file cannot be opened or read, names decide. Copies of a certificate are one bundle, and so are its
 * older generations in one folder.
 * @param before keys by certificate as they were matched last (null: in one file): a pair stays a pair while one of
 * its files is being written
 */
export function matchFiles(
  files: readonly KnownFile[],
  before: ReadonlyMap<string, string | null>,
  now = Date.now(),
): Match {
  return new Matching(files, before).match(now);
}

class Matching {
  readonly #keys = new Map<string, KnownFile[]>();
  readonly #byPath = new Map<string, KnownFile>();
  /** Files that cannot be opened or read and may be keys, by folder, and by folder and name. */
  readonly #closedKeys: Map<string, KnownFile[]>;
  readonly #closedKeysByName: Map<string, KnownFile[]>;
  /** Files that cannot be opened or read and may be certificates, by folder and name. */
  readonly #closedCerts: Map<string, KnownFile[]>;
  /** Number of leaves in a folder. */
  readonly #leavesIn = new Map<string, number>();
  /** Files with a leaf and no key, by leaf. */
  readonly #leaves: Map<string, LeafFile[]>;
  readonly #combined: LeafFile[];
  readonly #beside: BesideIndex;
  readonly #used = new Set<string>();

  constructor(
    private readonly files: readonly KnownFile[],
    private readonly before: ReadonlyMap<string, string | null>,
  ) {
    for (const file of files) {
      this.#byPath.set(file.path, file);
      if (file.facts.kind === 'key') for (const key of file.facts.publicKeys) push(this.#keys, key, file);
    }
    const own = files.filter(({ isTold }) => !isTold);
    const closed = own.filter(isClosed);
    const closedKeys = closed.filter(({ facts, name }) => facts.kind === 'locked' || name.role === 'key');
    this.#closedKeys = groupBy(closedKeys, ({ folder }) => folder);
    this.#closedKeysByName = groupBy(closedKeys, (key) => nameIn(key.folder, key));
    const closedCerts = closed.filter(({ name: { role } }) => role !== 'key' && role !== 'issuers');
    // Reversed, so that the first one wins when they are taken from the end.
    this.#closedCerts = groupBy(closedCerts.reverse(), (cert) => nameIn(cert.folder, cert));
    this.#combined = own.filter(isLeafFile).filter(({ facts }) => facts.kind === 'bundle');
    const leaves = own.filter(isLeafFile).filter(({ facts }) => facts.kind === 'leaf');
    this.#leaves = groupBy(leaves, ({ facts }) => facts.leaf.digest);
    for (const [first] of this.#leaves.values()) {
      const folder = first?.folder ?? '';
      this.#leavesIn.set(folder, (this.#leavesIn.get(folder) ?? 0) + 1);
    }
    this.#beside = indexBeside(own);
  }

  match(now: number): Match {
    const pairs: Pair[] = this.#combined.map((cert) => ({ cert, key: null }));
    const lone: LeafFile[] = [];
    const together = new Set(this.#combined.map(({ facts }) => facts.leaf.digest));
    for (const [digest, copies] of this.#leaves) {
      // A copy of a leaf that has its key in another file.
      if (together.has(digest)) continue;
      const pair = this.pairOf(copies);
      if (pair === null) lone.push(bestOf(copies, null));
      else pairs.push(pair);
    }
    const isReplaced = replacedAmong(pairs.map(({ cert }) => cert).filter(isLeafFile));
    const missed = lone.filter((one) => !isReplaced(one, false));
    const alone = missed.filter(({ facts }) => isOfServer(facts.leaf) && facts.leaf.info.notAfter > now);
    pairs.push(...this.unreadablePairs());
    return {
      bundles: [
        ...pairs
          .filter(({ cert }) => !isReplaced(cert, true))
          .map(({ cert, key }) => this.toMatched(cert, key, false)),
        ...alone.map((cert) => this.toMatched(cert, null, true)),
      ],
      strays: [
        ...missed.filter((one) => !alone.includes(one)).map((one) => withoutKey(one, now)),
        ...this.strays(),
      ],
    };
  }

  /** @param copies files with the same leaf */
  private pairOf(copies: readonly LeafFile[]): Pair | null {
    const [first] = copies as [LeafFile];
    const keys = this.#keys.get(first.facts.leaf.publicKey) ?? [];
    const key = nearest(keys, copies) ?? this.closedKeyOf(copies) ?? this.sameAsBefore(copies);
    if (key === undefined) return null;
    this.#used.add(key.path);
    return { cert: bestOf(copies, key), key };
  }

  /** A key that cannot be opened or read: the one of the same name, or the only one beside the only certificate. */
  private closedKeyOf(copies: readonly LeafFile[]): KnownFile | undefined {
    const folders = [...new Set(copies.map(({ folder }) => folder))];
    for (const folder of folders) {
      for (const cert of copies) {
        const [named] = this.#closedKeysByName.get(nameIn(folder, cert)) ?? [];
        if (named !== undefined) return named;
      }
    }
    const [key, other] = folders.flatMap((folder) => (this.#closedKeys.get(folder) ?? []).slice(0, 2));
    const count = folders.reduce((sum, folder) => sum + (this.#leavesIn.get(folder) ?? 0), 0);
    return other === undefined && count === 1 ? key : undefined;
  }

  private sameAsBefore(copies: readonly LeafFile[]): KnownFile | undefined {
    for (const { path } of copies) {
      const key = this.#byPath.get(this.before.get(path) ?? '');
      if (key !== undefined && key.facts.kind !== 'leaf' && key.facts.kind !== 'issuers') return key;
    }
    return undefined;
  }

  /**
   * Pairs of a certificate that cannot be read (any more) and its former key, or the key of the same name: reading
   * it will tell why, or will succeed.
   */
  private unreadablePairs(): Pair[] {
    const found: Pair[] = [];
    for (const [path, keyPath] of this.before) {
      const cert = this.#byPath.get(path);
      const key = keyPath === null ? null : this.#byPath.get(keyPath);
      if (cert === undefined || key === undefined || !isClosed(cert)) continue;
      found.push({ cert, key });
      this.#used.add(path).add(keyPath ?? path);
    }
    for (const key of this.files) {
      const isKey = key.name.role === 'key' && (key.facts.kind === 'key' || isClosed(key));
      if (!isKey || key.isTold || this.#used.has(key.path)) continue;
      const certs = this.#closedCerts.get(nameIn(key.folder, key)) ?? [];
      let cert = certs.pop();
      while (cert !== undefined && this.#used.has(cert.path)) cert = certs.pop();
      if (cert === undefined) continue;
      found.push({ cert, key });
      this.#used.add(cert.path).add(key.path);
    }
    return found;
  }

  /** Keys without a certificate, and unreadable files. */
  private strays(): StrayFile[] {
    const ofLeaves = new Set(this.files.flatMap(({ facts }) => facts.leaf?.publicKey ?? []));
    const ofCas = new Set(
      this.files.flatMap(({ facts }) => (facts.kind === 'issuers' ? facts.publicKeys : [])),
    );
    return this.files.flatMap(({ path, facts, isTold }): StrayFile[] => {
      if (isTold || this.#used.has(path)) return [];
      const location = printable(path);
      if (facts.problem !== null) return facts.kind === 'bundle' ? [] : [{ location, ...facts.problem }];
      if (facts.kind !== 'key' || facts.publicKeys.some((key) => ofLeaves.has(key))) return [];
      const why = facts.publicKeys.some((key) => ofCas.has(key))
        ? refusal('ca_as_leaf', `${location} is the private key of a CA; no server needs it`)
        : refusal('missing_certificate', `${location} is a private key, and no certificate belongs to it`);
      return [{ location, ...why }];
    });
  }

  private toMatched(cert: KnownFile, key: KnownFile | null, isAlone: boolean): MatchedFiles {
    return {
      cert: cert.path,
      key: key?.path ?? null,
      isAlone,
      isNumbered: cert.name.number !== null && cert.name.stem === '' && this.isGeneration(cert),
      beside: besideOf(this.#beside, cert, key),
    };
  }

  /** Certbot and dehydrated write every role of a generation with the same number. */
  private isGeneration({ folder, name }: KnownFile): boolean {
    const roles = ['cert', 'chain', 'fullchain', 'privkey'];
    const separator = name.base.endsWith(`-${name.number ?? ''}`) ? '-' : '';
    return roles.every((role) => this.#byPath.has(`${folder}/${role}${separator}${name.number ?? ''}.pem`));
  }
}

const isOfServer = ({ info: { names, ips = [], isForServers } }: LeafFacts) =>
  names.length + ips.length > 0 && isForServers !== false;

function withoutKey({ path, facts }: LeafFile, now: number): StrayFile {
  const location = printable(path);
  const what = facts.leaf.info.notAfter <= now ? 'it has expired' : 'it is not for servers';
  return { location, ...refusal('missing_key', `${location} has no private key with it; ${what}`) };
}
