import { isDeepStrictEqual } from 'node:util';
import type { YAMLMap } from 'yaml';
import { groupBy } from '../common/multimap';
import { readPem } from '../certificates/pem-content';
import { parseCertificate } from '../certificates/x509';
import type { CertificateTexts, Digest, Half, StoredCertificate } from '../model';
import { FileEdit } from './file-edit';

/** Reads a certificate by its id; null where it is gone. */
export type ReadTexts = (id: string) => Promise<CertificateTexts | null>;

/** The parts of a stored certificate that an edit depends on. */
export interface FileCertificate extends Record<Half, FileHalf | null> {
  id: string;
  snis: readonly string[];
  owner: StoredCertificate['owner'];
}

interface FileHalf {
  content: Digest;
  leaf: { notBefore: number } | null;
}

/** Result of editing a declarative file's text. */
export interface EditedFile {
  /** Null: everything was up to date already. */
  text: string | null;
  /** Ids of the certificates that were updated. */
  written: string[];
  /** Ids of those that were not, with the reason. */
  left: Map<string, string>;
}

/** Each half with its fields, in the file as in Kong. */
const HALVES = [
  { half: 'main', cert: 'cert', key: 'key' },
  { half: 'alt', cert: 'cert_alt', key: 'key_alt' },
] as const;

type Plain = Record<string, unknown>;

/**
 * Updates the certificates in a declarative file's text from Kong.
 * @param certificates Kong's certificates that may be put into the file
 * @throws Error where the text cannot be edited so that everything else stays as it is; it quotes nothing of it
 */
export async function editCertificates(
  text: string,
  certificates: readonly FileCertificate[],
  textsOf: ReadTexts,
): Promise<EditedFile> {
  const edit = await FileEdit.open(text);
  const wanted = edit.document.toJS() as { certificates?: Plain[] } | null;
  const list = edit.list('certificates');
  const entries = edit.maps(list);
  const place = new Map((list?.items ?? []).map((item, index) => [item as unknown, index]));
  const byId = new Map(entries.map((entry) => [edit.textOf(entry, 'id'), entry]));
  const snis = namesIn(edit, entries);
  const named = groupBy(snis.keys(), (name) => snis.get(name));
  const result: EditedFile = { text: null, written: [], left: new Map() };
  for (const certificate of certificates) {
    const { id } = certificate;
    const entry = byId.get(id) ?? findByNames(edit, snis, certificate);
    if (entry === undefined) {
      const item = certificate.owner === 'us' ? await toItem(certificate, textsOf) : null;
      if (item === null) continue;
      const taken = certificate.snis.find((sni) => snis.has(sni));
      if (taken !== undefined) result.left.set(id, `the file has the SNI ${taken} for another certificate`);
      else if (!edit.append('certificates', item))
        result.left.set(id, 'the file has no list of certificates to add to');
      else {
        (wanted as { certificates?: Plain[] }).certificates ??= [];
        wanted?.certificates?.push(item);
        result.written.push(id);
      }
      continue;
    }
    const outdated = HALVES.filter(({ half, cert, key }) => {
      const stored = certificate[half];
      return stored !== null && contentOf(edit, entry, cert, key) !== stored.content;
    });
    if (outdated.length === 0) continue;
    // At Kong's next start such a name would be served a certificate that is not its own.
    const lost = named
      .get(entry)
      ?.find((name) => !certificate.snis.some((sni) => sni.toLowerCase() === name));
    const why =
      lost !== undefined
        ? `the file has the SNI ${lost} for it, and Kong does not; remove it there`
        : outdated
            .map((fields) => cannotReplace(edit, entry, certificate, fields))
            .find((found) => found !== null);
    if (why != null) {
      result.left.set(id, why);
      continue;
    }
    const texts = await textsOf(id);
    if (texts === null) continue;
    const plain = wanted?.certificates?.[place.get(entry) ?? -1] ?? {};
    for (const { half, cert, key } of outdated) {
      const pair = texts[half];
      if (pair === null) continue;
      for (const [name, value] of [
        [cert, pair.cert],
        [key, pair.key],
      ] as const) {
        if (edit.pair(entry, name) === null) edit.insert(entry, 'key', name, value);
        else edit.replace(entry, name, value);
        plain[name] = value;
      }
    }
    result.written.push(id);
  }
  if (edit.isChanged) result.text = await checked(edit.toString(), wanted);
  return result;
}

/** Checks that nothing else changed: the parsed new text must equal the expected content. */
async function checked(text: string, wanted: unknown): Promise<string> {
  const { document } = await FileEdit.open(text);
  if (isDeepStrictEqual(normal(document.toJS()), normal(wanted))) return text;
  throw new Error('its layout does not allow replacing certificates without changing anything else');
}

/** Makes texts comparable: line ends of PEM differ between files. Copies objects, as JSON does. */
const normal = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, item: unknown) => (typeof item === 'string' ? item.replace(/\r/g, '') : item)),
  );

/** Names in the file, with the entry that each belongs to; null: somewhere else. */
function namesIn(edit: FileEdit, entries: readonly YAMLMap[]): Map<string, YAMLMap | null> {
  const names = new Map<string, YAMLMap | null>();
  for (const sni of edit.maps(edit.list('snis'))) {
    const name = edit.textOf(sni, 'name');
    if (name !== null) names.set(name.toLowerCase(), null);
  }
  for (const entry of entries) {
    const nested = (entry.toJS(edit.document) as { snis?: unknown }).snis;
    for (const sni of Array.isArray(nested) ? (nested as unknown[]) : []) {
      const name = typeof sni === 'string' ? sni : (sni as { name?: unknown } | null)?.name;
      if (typeof name === 'string') names.set(name.toLowerCase(), entry);
    }
  }
  return names;
}

/** Kong gives an entry without an id a new one at each start; its SNIs identify it. */
function findByNames(
  edit: FileEdit,
  names: ReadonlyMap<string, YAMLMap | null>,
  { snis }: FileCertificate,
): YAMLMap | undefined {
  const found = new Set(snis.map((sni) => names.get(sni)));
  const [entry] = found;
  return found.size === 1 && entry != null && edit.pair(entry, 'id') === null ? entry : undefined;
}

function contentOf(edit: FileEdit, entry: YAMLMap, cert: string, key: string): string | undefined {
  return readPem(edit.textOf(entry, cert) ?? '', edit.textOf(entry, key) ?? '')?.content;
}

/** Why a half in the file must not be replaced, in a sentence; null: it may be, or is not there yet. */
function cannotReplace(
  edit: FileEdit,
  entry: YAMLMap,
  certificate: FileCertificate,
  { half, cert, key }: (typeof HALVES)[number],
): string | null {
  // A second half is put behind the first one.
  const isThere = edit.pair(entry, cert) !== null || edit.pair(entry, key) !== null;
  for (const name of isThere ? [cert, key] : ['cert', 'key']) {
    const text = edit.textOf(entry, name);
    if (text?.includes('-----BEGIN') !== true)
      return `its ${name} in the file is a reference, or is not plain text`;
  }
  const block = isThere ? readPem(edit.textOf(entry, cert) ?? '', '')?.certificates[0] : undefined;
  const stored = certificate[half]?.leaf;
  if (block === undefined || stored == null) return null;
  try {
    const { info } = parseCertificate(block.der);
    return info.notBefore > stored.notBefore ? 'the file has a newer one' : null;
  } catch {
    return null;
  }
}

/** A certificate of ours as an entry of the file. */
async function toItem({ id, snis }: FileCertificate, textsOf: ReadTexts): Promise<Plain | null> {
  const texts = await textsOf(id);
  if (texts === null) return null;
  const { main, alt, tags } = texts;
  return {
    id,
    tags,
    snis: snis.map((name) => ({ name })),
    ...main,
    ...(alt === null ? {} : { cert_alt: alt.cert, key_alt: alt.key }),
  };
}
