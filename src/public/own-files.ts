import type { LifeLevel } from '../model';
import type { ReloaderStatus } from './status';

/** A certificate that Kong reads from a file for itself, when it starts and when it is reloaded. */
export interface OwnFile {
  location: string;
  /** As in `node_certificates`; empty: clients without SNI get it. */
  uses: readonly string[];
  /** Expiry of the leaf in the file; null: unreadable. */
  inFile: string | null;
  /** Validity of the served leaf; null: not observed. */
  servedFrom: string | null;
  served: string | null;
  /** The expiry that counts: of the served leaf, else of the one in the file. */
  until: string | null;
  /** How much of its life is left; absent: no expiry is known. */
  expiry: LifeLevel | undefined;
  isInSync: boolean;
}

type Groups = Pick<ReloaderStatus, 'default_certificate' | 'node_certificates'>;

/** Files of `ssl_cert` whose handshake was answered, and the other files that Kong's configuration names. */
export function ownFilesOf({ default_certificate: byDefault, node_certificates: node }: Groups): OwnFile[] {
  const seen = (byDefault?.files ?? []).filter((file) => file.served_without_sni_sha256 !== null);
  return [
    ...seen.map((file) => ownFile({ ...file, uses: [] }, byDefault?.state)),
    ...(node?.files ?? []).map((file) => ownFile(file, node?.state)),
  ];
}

type File = Pick<OwnFile, 'location' | 'uses'> & {
  not_after: string | null;
  served_not_before: string | null;
  served_not_after: string | null;
  expiry?: LifeLevel;
};

const ownFile = (
  {
    location,
    uses,
    not_after: inFile,
    served_not_before: servedFrom,
    served_not_after: served,
    expiry,
  }: File,
  state: string | undefined,
): OwnFile => ({
  location,
  uses,
  inFile,
  servedFrom,
  served,
  until: served ?? inFile,
  expiry,
  isInSync: state === 'in_sync',
});
