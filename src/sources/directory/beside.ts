import { groupBy } from '../../common/multimap';
import type { KnownFile, LeafFile } from './match';

/** Files that are read for one chain. */
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

/** Paths of files in the folders of a pair: a full chain of the same leaf, CA certificates, chains of its issuer. */
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
