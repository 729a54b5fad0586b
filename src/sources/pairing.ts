/** The files of one bundle, as names within their folder. */
export interface FilePair {
  cert: string;
  /** Null: certificate and key stand in one file, if it is a bundle at all. */
  key: string | null;
}

const CERTIFICATE_ENDINGS = ['.crt', '.cer', '.pem'];

/** Whether a file's name is one that a bundle's file can have. */
export const isOfBundle = (path: string): boolean =>
  path.endsWith('.key') || CERTIFICATE_ENDINGS.some((ending) => path.endsWith(ending));

/** Files that tools put beside a full chain; they repeat parts of it. */
const PARTS_OF_A_CHAIN = new Set(['cert.pem', 'chain.pem', 'ca.crt', 'ca.cer', 'ca.pem', 'README']);

/**
 * Finds the bundles of a folder by the names that are in use: `tls.crt`/`tls.key` (Kubernetes, cert-manager),
 * `fullchain.pem`/`privkey.pem` (certbot), `fullchain.cer`/`NAME.key` (acme.sh), `NAME.crt`/`NAME.key`,
 * `NAME.pem`/`NAME-key.pem` (cfssl, mkcert), and single files that hold both.
 */
export function pairFiles(names: readonly string[]): FilePair[] {
  const present = new Set(names);
  const pairs: FilePair[] = [];
  const taken = new Set<string>();
  const take = (cert: string, key: string | undefined) => {
    if (key === undefined || !present.has(cert) || !present.has(key) || taken.has(cert)) return;
    pairs.push({ cert, key });
    taken.add(cert).add(key);
  };

  take('fullchain.pem', 'privkey.pem');
  take('cert.pem', 'key.pem');
  const keys = names.filter((name) => name.endsWith('.key'));
  if (present.has('fullchain.cer') && keys.length === 1) {
    take('fullchain.cer', keys[0]);
    const own = keys[0]?.replace(/\.key$/, '.cer');
    if (own !== undefined) taken.add(own);
  }
  for (const key of keys) {
    const stem = key.slice(0, -'.key'.length);
    for (const ending of CERTIFICATE_ENDINGS) if (!taken.has(key)) take(stem + ending, key);
  }
  for (const key of names) {
    if (key.endsWith('-key.pem')) take(`${key.slice(0, -'-key.pem'.length)}.pem`, key);
  }
  for (const name of names) {
    const single = CERTIFICATE_ENDINGS.some((ending) => name.endsWith(ending));
    const isPart = PARTS_OF_A_CHAIN.has(name) || name.endsWith('-key.pem');
    if (single && !isPart && !taken.has(name)) pairs.push({ cert: name, key: null });
  }
  return pairs;
}
