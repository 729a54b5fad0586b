import type { FileFacts, LeafFacts } from '../../certificates';
import type { ParsedName } from './names';

/** A file whose content was read. */
export interface KnownFile {
  path: string;
  folder: string;
  name: ParsedName;
  facts: FileFacts;
  /** Whether it is the key of a pair found by names; other certificates may have it, too. */
  isTold: boolean;
  /** Its ending is unknown, so that it is part of no bundle. */
  isMisnamed?: boolean;
}

export type LeafFile = KnownFile & { facts: FileFacts & { leaf: LeafFacts } };

export const isLeafFile = (file: KnownFile): file is LeafFile => file.facts.leaf !== null;

/** Whether a file cannot be opened or read. */
export const isClosed = ({ facts }: KnownFile) => facts.kind === 'locked' || facts.kind === 'damaged';

const isNamedLike = ({ name: a }: KnownFile, { name: b }: KnownFile) =>
  a.stem === b.stem && a.number === b.number;

/** Equal for files of a folder that have the same name apart from the role. */
export const nameIn = (folder: string, { name: { stem, number } }: KnownFile) =>
  [folder, stem, number ?? ''].join('\0');

/** Most copies of one key or leaf that are compared; somebody may leave any number of them. */
const MAX_COPIES = 64;

/** The nearest key: in the same folder, of the same name, by its path. */
export function nearest(
  allKeys: readonly KnownFile[],
  allCopies: readonly KnownFile[],
): KnownFile | undefined {
  const keys = allKeys.slice(0, MAX_COPIES);
  const copies = allCopies.slice(0, MAX_COPIES);
  const rank = (key: KnownFile) =>
    2 * Number(copies.some(({ folder }) => folder === key.folder)) +
    Number(copies.some((cert) => isNamedLike(cert, key)));
  return keys.sort((a, b) => rank(b) - rank(a) || (a.path < b.path ? -1 : 1))[0];
}

const RANKS: readonly ParsedName['role'][] = ['fullchain', 'certificate', 'issuers'];

/** The file to use of several with one leaf: PEM, with the longest chain, in the folder of the key. */
export function bestOf(copies: readonly LeafFile[], key: KnownFile | null): LeafFile {
  const compare = (a: LeafFile, b: LeafFile) =>
    Number(b.folder === key?.folder) - Number(a.folder === key?.folder) ||
    Number(b.facts.leaf.isPem) - Number(a.facts.leaf.isPem) ||
    b.facts.leaf.count - a.facts.leaf.count ||
    RANKS.indexOf(a.name.role) - RANKS.indexOf(b.name.role) ||
    (a.path < b.path ? -1 : 1);
  return [...copies].sort(compare)[0] as LeafFile;
}
