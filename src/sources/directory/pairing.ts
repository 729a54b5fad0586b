/** The files of one bundle, as names within their folder. */
export interface FilePair {
  cert: string;
  /** Null: certificate and key stand in one file, if it is a bundle at all. */
  key: string | null;
}

const CERTIFICATE_ENDINGS = ['.crt', '.cer', '.pem', '.der', '.p7b', '.p7c'];
const KEYSTORE_ENDINGS = ['.p12', '.pfx', '.jks', '.keystore'];

const hasEnding = (endings: readonly string[], name: string) =>
  endings.some((ending) => name.endsWith(ending));

export const isKeystore = (name: string): boolean => hasEnding(KEYSTORE_ENDINGS, name);

/** Whether a file's name is one that a bundle's file can have. */
export const isOfBundle = (path: string): boolean =>
  path.endsWith('.key') || hasEnding(CERTIFICATE_ENDINGS, path) || isKeystore(path);

/** Files that tools put beside a full chain; they repeat parts of it. */
const PARTS_OF_A_CHAIN = new Set(['cert.pem', 'chain.pem', 'ca.crt', 'ca.cer', 'ca.pem', 'README']);

/** cert-manager can write one pair in all these forms; the first that is there is taken. */
const FORMS_OF_ONE = ['tls-combined.pem', 'keystore.p12', 'keystore.jks'];

/** Certificates to trust, and keys that stand alone. */
const isNoCertificate = (name: string) =>
  PARTS_OF_A_CHAIN.has(name) || /^(truststore|cacerts)\.|[.-]key\.(pem|der)$|^key\.(pem|der)$/.test(name);

const stemOf = (name: string) => name.replace(/\.[^.]*$/, '');
/** Every certificate file by itself: a folder of CAs has no pairs. */
export const singleFiles = (names: readonly string[]): FilePair[] =>
  names
    .filter((name) => hasEnding(CERTIFICATE_ENDINGS, name) || isKeystore(name))
    .map((cert) => ({ cert, key: null }));

/**
 * Finds the bundles of a folder by the names that are in use: `tls.crt`/`tls.key` (Kubernetes, cert-manager),
 * `fullchain.pem`/`privkey.pem` (certbot), `fullchain.cer`/`NAME.key` (acme.sh), `NAME.crt`/`NAME.key`,
 * `NAME.pem`/`NAME-key.pem` (cfssl, mkcert), and single files that hold both. What the files are is told by their
 * content; names only say which belong together.
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
  take('cert.der', 'key.der');
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
  take('tls.crt', 'key.der');
  for (const key of names) {
    if (/.-key\.(pem|der)$/.test(key)) take(key.replace(/-key(\.\w+)$/, '$1'), key);
  }
  for (const name of singles(names, taken)) pairs.push({ cert: name, key: null });
  return pairs;
}

/** Files that may hold certificate and key, without those that repeat a pair in another form. */
function singles(names: readonly string[], taken: ReadonlySet<string>): string[] {
  const paired = new Set([...taken].map(stemOf));
  const form = paired.has('tls') ? undefined : FORMS_OF_ONE.find((name) => names.includes(name));
  return names.filter((name) => {
    if (taken.has(name) || isNoCertificate(name)) return false;
    if (FORMS_OF_ONE.includes(name)) return name === form;
    // Whoever exports NAME.crt and NAME.key as NAME.p12, too, has one certificate.
    if (isKeystore(name)) return !paired.has(stemOf(name));
    return hasEnding(CERTIFICATE_ENDINGS, name);
  });
}
