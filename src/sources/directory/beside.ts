import { dirname } from 'node:path';
import { groupBy, push } from '../../common/multimap';
import type { LooseIssuers } from '../files/file-bundle';
import type { KnownFile, LeafFile } from './known-files';

/** Most files that are read for one chain. */
export const MAX_BESIDE = 8;

/** Certificates that may complete chains, by folder. */
export interface BesideIndex {
  issuers: ReadonlyMap<string, readonly KnownFile[]>;
  /** Files of leaves with a chain, by folder and issuer. */
  chains: ReadonlyMap<string, readonly LeafFile[]>;
}

export function indexBeside(files: readonly KnownFile[]): BesideIndex {
  const chains = files.filter((file): file is LeafFile => (file.facts.leaf?.count ?? 0) > 1);
  return {
    issuers: groupBy(
      files.filter(({ facts }) => facts.kind === 'issuers'),
      ({ folder }) => folder,
    ),
    chains: groupBy(chains, ({ folder, facts }) => `${folder}\0${facts.leaf.issuer}`),
  };
}

/**
 * Paths of files in a pair's folders that may complete its chain: a full chain of the same leaf, CA certificates, a
 * chain of its issuer.
 */
export function besideOf({ issuers, chains }: BesideIndex, cert: KnownFile, key: KnownFile | null): string[] {
  const { leaf } = cert.facts;
  const folders = [...new Set([cert.folder, key?.folder ?? cert.folder])];
  const ofIssuer = folders.flatMap((folder) => chains.get(`${folder}\0${leaf?.issuer ?? ''}`) ?? []);
  const ofLeaf = ofIssuer.filter(({ facts }) => facts.leaf.digest === leaf?.digest);
  const found = [...ofLeaf, ...folders.flatMap((folder) => issuers.get(folder) ?? []), ...ofIssuer];
  const paths = new Set(found.map(({ path }) => path));
  paths.delete(cert.path);
  return [...paths].slice(0, MAX_BESIDE);
}

/** Most files with a CA of one name that are read for one chain. */
const MAX_NAMESAKES = 4;

/** Files of CA certificates anywhere in a tree, by subject; of copies the first one. */
export class LooseIssuerFiles implements LooseIssuers {
  /** Content of each file, by path. */
  readonly #contents = new Map<string, string>();
  readonly #distinct: KnownFile[] = [];
  readonly #bySubject = new Map<string, KnownFile[]>();

  /**
   * @param before returned where nothing changed
   * @returns null where there are none
   */
  static of(files: readonly KnownFile[], before: LooseIssuerFiles | null): LooseIssuerFiles | null {
    const issuers = files.filter(({ facts }) => facts.kind === 'issuers');
    if (issuers.length === 0) return null;
    const found = new LooseIssuerFiles(issuers);
    return before?.isSame(found) === true ? before : found;
  }

  private constructor(files: readonly KnownFile[]) {
    const seen = new Set<string>();
    for (const file of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
      const { authorities } = file.facts;
      const content = authorities.map(({ fingerprint }) => fingerprint).join();
      this.#contents.set(file.path, content);
      if (seen.has(content)) continue;
      seen.add(content);
      this.#distinct.push(file);
      for (const subject of new Set(authorities.map((authority) => authority.subject)))
        push(this.#bySubject, subject, file);
    }
  }

  /**
   * Follows the chain from issuer to issuer. Where its end is unknown, returns those of the certificate's folder,
   * then others.
   */
  find(cert: string, beside: readonly string[], openEnds: readonly string[] | null): string[] {
    const known = new Set(beside.map((path) => this.#contents.get(path)));
    const isNew = ({ path }: KnownFile) => path !== cert && !known.has(this.#contents.get(path));
    if (openEnds === null) {
      const isNear = ({ folder }: KnownFile) => folder === dirname(cert);
      const others = this.#distinct.filter(isNew);
      const files = [...others.filter(isNear), ...others.filter((file) => !isNear(file))];
      return files.slice(0, MAX_BESIDE).map(({ path }) => path);
    }
    const names = new Set(openEnds);
    const found = new Set<string>();
    for (const name of names) {
      for (const file of this.#bySubject.get(name)?.slice(0, MAX_NAMESAKES) ?? []) {
        if (found.size >= MAX_BESIDE) return [...found];
        if (isNew(file)) found.add(file.path);
        for (const { issuer } of file.facts.authorities) names.add(issuer);
      }
    }
    return [...found];
  }

  private isSame(other: LooseIssuerFiles): boolean {
    return (
      this.#contents.size === other.#contents.size &&
      [...this.#contents].every(([path, content]) => other.#contents.get(path) === content)
    );
  }
}
