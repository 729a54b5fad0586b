import {
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/** The mounted token's owner, and its life. */
export interface MountOptions {
  namespace: string;
  serviceAccount: string;
  /** Default 3600. */
  expirationSeconds?: number;
}

/** A folder as a pod has it at /var/run/secrets/kubernetes.io/serviceaccount. */
export interface MountedServiceAccount {
  readonly folder: string;
  /** The token that is mounted now. */
  token(): string;
  /** Puts a new token there, as the kubelet does long before the old one expires. */
  rotate(expirationSeconds?: number): Promise<void>;
}

export async function mountServiceAccount(
  folder: string,
  { namespace, expirationSeconds: usual }: MountOptions,
  ca: string,
  newToken: (expirationSeconds?: number) => Promise<string>,
): Promise<MountedServiceAccount> {
  const rotate = async (expirationSeconds = usual): Promise<void> =>
    writeVolume(folder, { token: await newToken(expirationSeconds), 'ca.crt': ca, namespace });
  await rotate();
  return { folder, token: () => readFileSync(join(folder, 'token'), 'utf8'), rotate };
}

/** The files of a mounted service account, by name. */
type MountedFiles = Record<'token' | 'ca.crt' | 'namespace', string>;

/**
 * Writes a folder as the kubelet keeps a pod's volume: the files are links into `..data`, which is a link to a
 * folder of this generation. A rotation makes a new folder and swaps that one link, so all files change at once.
 */
function writeVolume(folder: string, files: MountedFiles): void {
  const data = join(folder, '..data');
  const before = readLink(data);
  const generation = `..${new Date().toISOString().replace(/[-:.TZ]/g, '_')}${process.hrtime.bigint()}`;
  mkdirSync(join(folder, generation), { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, generation, name), text);
  symlinkSync(generation, `${data}_tmp`);
  renameSync(`${data}_tmp`, data);
  if (before !== null) {
    rmSync(join(folder, before), { recursive: true });
    return;
  }
  for (const name of Object.keys(files)) symlinkSync(join('..data', name), join(folder, name));
}

function readLink(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch {
    return null;
  }
}
