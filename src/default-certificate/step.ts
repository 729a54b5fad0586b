import type { Log } from '../model';
import type { NodeCertificatesStatus, NodeFileStatus, ReloaderStatus } from '../public';
import type { PassContext, Step } from '../pass';
import type { DefaultCertificate } from './state';
import './status';
import { trustedStatus, type TrustedFile } from './trusted';

/**
 * Runs before the scan of the sources: what clients without SNI get decides whether Kong should have the files'
 * certificate for the SNI `*`.
 */
export class ObserveDefaultStep implements Step {
  constructor(private readonly certificate: DefaultCertificate) {}

  run({ touched }: PassContext): Promise<void> {
    return this.certificate.observe(touched === undefined);
  }
}

/** Uses of the other certificates in Kong's configuration, by path. */
type NodeUses = ReadonlyMap<string, readonly string[]>;

/** Groups of files that Kong reads at start and at a reload. */
export interface FileGroups {
  byDefault: DefaultCertificate | null;
  node: { certificates: DefaultCertificate; uses: NodeUses; mode: 'observe' | 'reload' } | null;
  /** Files of CA certificates that Kong trusts, as its configuration names them now. */
  trusted?: () => readonly TrustedFile[];
}

/**
 * Reloads Kong once for all of these fingerprints.
 * @returns null, or in a sentence why it was not reloaded
 */
export type SendReload = (fingerprints: readonly string[]) => string | null;

/**
 * Makes one reload for all groups whose files changed.
 * @returns whether to observe again soon
 */
export async function reloadFor(groups: readonly DefaultCertificate[], send: SendReload): Promise<boolean> {
  const due: { group: DefaultCertificate; fingerprint: string }[] = [];
  let isSoon = false;
  for (const group of groups) {
    const reload = await group.dueReload();
    if (reload === 'soon') isSoon = true;
    else if (reload !== null) due.push({ group, ...reload });
  }
  // A file that is still being written may be part of the same renewal.
  if (isSoon || due.length === 0) return isSoon;
  const trouble = send(due.map(({ fingerprint }) => fingerprint));
  for (const { group } of due) await group.reloaded(trouble);
  return trouble === null;
}

type GroupName = 'byDefault' | 'node';

const MESSAGES = {
  byDefault: {
    good: 'clients without SNI get the certificate of the files',
    bad: 'default certificate not up to date',
  },
  node: {
    good: 'Kong has the certificates of its configuration as they are in the files',
    bad: 'a certificate of this node is not up to date',
  },
};

/** Makes Kong reload its files when that is due. Last, since it ends this process. */
export class ReloadStep implements Step {
  readonly #said = new Map<GroupName, string>();
  readonly #groups: [GroupName, DefaultCertificate][];

  constructor(
    private readonly files: FileGroups,
    private readonly send: SendReload,
  ) {
    const { byDefault, node } = files;
    this.#groups = [
      ...(byDefault === null ? [] : [['byDefault', byDefault] as const]),
      ...(node === null ? [] : [['node', node.certificates] as const]),
    ].map(([name, group]) => [name, group]);
  }

  async run(pass: PassContext): Promise<void> {
    const groups = this.#groups.map(([, group]) => group);
    // Each gateway reloads its own Kong, whoever writes to the database.
    if (!pass.observe && (await reloadFor(groups, this.send))) pass.leave('settling');
    for (const { status } of groups) if (status.detail !== '') pass.report.notes.push(status.detail);
  }

  status(): Partial<ReloaderStatus> {
    const { byDefault, node } = this.files;
    const trusted = trustedStatus(this.files.trusted?.() ?? []);
    return {
      ...(byDefault === null ? {} : { default_certificate: byDefault.status }),
      ...(node === null && trusted.length === 0 ? {} : { node_certificates: nodeStatus(node, trusted) }),
    };
  }

  /** Logs for each file when Kong begins and ceases to differ from it. */
  log(log: Log): void {
    for (const [name, { status }] of this.#groups) {
      const { state, detail, files } = status;
      const said = this.#said.get(name) ?? '';
      const isGood = state === 'in_sync';
      // A file that is being written, or a reload that is to come, is not reported yet.
      if (detail === said || (detail === '' && !isGood)) continue;
      this.#said.set(name, detail);
      for (const file of files) {
        log(isGood ? 'info' : 'warn', MESSAGES[name][isGood ? 'good' : 'bad'], {
          state,
          location: file.location,
          fingerprint_sha256: file.fingerprint_sha256,
          served_fingerprint_sha256: file.served_without_sni_sha256,
          not_after: file.not_after,
          detail,
        });
      }
    }
  }
}

function nodeStatus(node: FileGroups['node'], trusted: readonly NodeFileStatus[]): NodeCertificatesStatus {
  if (node === null)
    return { mode: 'observe', state: 'in_sync', files: trusted, reloaded_at: null, detail: '' };
  const { certificates, uses, mode } = node;
  const { files, ...rest } = certificates.status;
  const own = files.map(({ location, served_without_sni_sha256: served, ...file }) => ({
    uses: uses.get(location) ?? [],
    location,
    ...file,
    served_sha256: served,
  }));
  return { mode, ...rest, files: [...own, ...trusted] };
}
