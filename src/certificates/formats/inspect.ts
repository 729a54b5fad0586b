import { type Refusal } from '../../model';
import type { OpenedBundle } from '../bundle';
import { decodePem, isCertificate, isPrivateKey } from '../pem';
import type { Format } from './detect';
import { partOf } from './part';
import { nameOf, openAny } from './unpack';

export interface FilesToInspect {
  /** How messages name it: the path. */
  location: string;
  /** The certificate, alone or with its key; of any format. */
  cert: Buffer;
  /** A file of its own for the key. */
  key?: Buffer;
  password?: string;
  alias?: string;
}

export interface Inspection {
  /** What the files were taken for: `PEM`, `PKCS#12`, `a DER certificate with PEM`. */
  format: string;
  opened: OpenedBundle | Refusal;
}

/**
 * Opens one or two files of any format as the plugin would; on a command line they may stand in any order. Never throws
 * for what it is given.
 */
export async function inspectFiles({ cert, key, ...files }: FilesToInspect): Promise<Inspection> {
  const texts = [cert, ...(key === undefined ? [] : [key])].map((bytes) => bytes.toString('latin1'));
  if (texts.length === 2 && isKey(texts[0] ?? '') && !isKey(texts[1] ?? '')) texts.reverse();
  const [first = '', second = ''] = texts;
  return {
    format: nameOf(texts.map(partOf)),
    opened: await openAny({ ...files, name: files.location, cert: first, key: second }),
  };
}

const KEYS: ReadonlySet<Format> = new Set<Format>(['pkcs8', 'pkcs1', 'sec1', 'encrypted']);

/** A private key without a certificate. */
function isKey(text: string): boolean {
  const { format, bytes } = partOf(text);
  const blocks = format === 'pem' ? (decodePem(bytes.toString('latin1')) ?? []) : [];
  return KEYS.has(format) || (blocks.some(isPrivateKey) && !blocks.some(isCertificate));
}
