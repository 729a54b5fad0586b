import { type Refusal } from '../../model';
import type { OpenedBundle } from '../bundle';
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

/** Opens one or two files of any format as the plugin would. Never throws for what it is given. */
export async function inspectFiles({ cert, key, ...files }: FilesToInspect): Promise<Inspection> {
  const texts = [cert, ...(key === undefined ? [] : [key])].map((bytes) => bytes.toString('latin1'));
  const [first = '', second = ''] = texts;
  return {
    format: nameOf(texts.map(partOf)),
    opened: await openAny({ ...files, name: files.location, cert: first, key: second }),
  };
}
