import type { RawBundle } from '../../model';

/** Names of a secret's keys; null: the usual ones. */
export interface FieldNames {
  cert: string | null;
  key: string | null;
  chain: string | null;
}

export const USUAL_NAMES: FieldNames = { cert: null, key: null, chain: null };

interface Layout {
  cert: string;
  key: string;
  /** Certificates beside the leaf; all that exist are joined. */
  chain: readonly string[];
}

/** Common names of keys: Kubernetes, the answers of Vault's PKI, certbot, and by hand. */
const LAYOUTS: readonly Layout[] = [
  { cert: 'tls.crt', key: 'tls.key', chain: ['ca.crt'] },
  { cert: 'certificate', key: 'private_key', chain: ['ca_chain', 'issuing_ca'] },
  { cert: 'fullchain', key: 'privkey', chain: [] },
  { cert: 'fullchain.pem', key: 'privkey.pem', chain: [] },
  { cert: 'cert.pem', key: 'privkey.pem', chain: ['chain.pem'] },
  { cert: 'cert.pem', key: 'key.pem', chain: ['chain.pem', 'ca.pem'] },
  { cert: 'cert', key: 'key', chain: ['chain', 'ca_chain', 'ca'] },
  { cert: 'crt', key: 'key', chain: ['chain', 'ca'] },
  { cert: 'certificate', key: 'key', chain: ['chain', 'ca_chain'] },
  // Keystores, in base64.
  { cert: 'keystore.p12', key: '', chain: [] },
  { cert: 'keystore.jks', key: '', chain: [] },
  { cert: 'pkcs12', key: '', chain: [] },
  { cert: 'pfx', key: '', chain: [] },
];

/** The texts of a bundle in a secret; null where none of the expected keys holds a certificate. */
export function bundleIn(
  data: Readonly<Record<string, unknown>>,
  names: FieldNames,
): Pick<RawBundle, 'cert' | 'key' | 'issuers'> | null {
  const textAt = (name: string) => textOf(data[name]);
  const candidates = LAYOUTS.map((usual) => ({
    cert: names.cert ?? usual.cert,
    key: names.key ?? usual.key,
    chain: names.chain === null ? usual.chain : [names.chain],
  }));
  const present = candidates.filter(({ cert }) => textAt(cert) !== '');
  // Where two layouts have a certificate, the one with the key is meant.
  const chosen = present.find(({ key }) => textAt(key) !== '') ?? present[0];
  if (chosen === undefined) return null;
  const issuers = chosen.chain.map(textAt).filter((text) => text.trim() !== '');
  return {
    cert: textAt(chosen.cert),
    key: textAt(chosen.key),
    ...(issuers.length === 0 ? {} : { issuers }),
  };
}

const BASE64_OF_PEM = /^\s*LS0tLS1CRUdJTi/;

/** A value as text: PEM, PEM in base64, or a list of them, like `ca_chain`. */
const textOf = (value: unknown): string =>
  Array.isArray(value) ? value.map(plainText).join('\n') : plainText(value);

/** A nested list is not one of certificates; somebody may nest any number. */
function plainText(value: unknown): string {
  if (typeof value !== 'string') return '';
  return BASE64_OF_PEM.test(value) ? Buffer.from(value, 'base64').toString('latin1') : value;
}
