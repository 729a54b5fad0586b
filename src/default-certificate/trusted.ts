import { parseCertificate, readPem } from '../certificates';
import { readConfiguredFile } from '../common/configured-file';
import { isoTime } from '../common/time';
import type { CertificateInfo } from '../model';
import type { NodeFileStatus } from '../public';

/** A file of CA certificates that Kong trusts. It copies them when it starts, so that nothing is compared. */
export interface TrustedFile {
  use: 'trusted_ca' | 'cluster_ca';
  path: string;
}

/** A file with more of them is the bundle of the system or of a browser, of which some always have ended. */
const MOST = 10;
const MAX_BYTES = 1_048_576;

/** The CA certificate of each file that ends first; files with the system's bundle are left out. */
export function trustedStatus(files: readonly TrustedFile[]): NodeFileStatus[] {
  return files.flatMap(({ use, path }) => {
    const found = certificatesIn(path);
    if (found.length > MOST) return [];
    const [first] = found.sort((a, b) => a.notAfter - b.notAfter);
    return {
      uses: [use],
      location: path,
      fingerprint_sha256: first?.fingerprint ?? null,
      not_after: first === undefined ? null : isoTime(first.notAfter),
      served_sha256: null,
      served_not_before: null,
      served_not_after: null,
    };
  });
}

/** Empty where the file cannot be read. */
function certificatesIn(path: string): CertificateInfo[] {
  try {
    const blocks = readPem(readConfiguredFile(path, MAX_BYTES), '')?.certificates ?? [];
    return blocks.slice(0, MOST + 1).map(({ der }) => parseCertificate(der).info);
  } catch {
    return [];
  }
}
