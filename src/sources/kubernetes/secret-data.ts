/** Keys of a Secret's data that may hold certificate and key together, in order of preference. */
const TOGETHER = [/^tls-combined\.pem$/, /^keystore\.p12$/, /\.p12$/, /\.pfx$/, /^keystore\.jks$/, /\.jks$/];

/** The certificate and the key in a Secret's data, base64 as there; `key` may be empty. */
export interface SecretParts {
  cert: string;
  key: string;
}

/**
 * Finds them: `tls.crt` with `tls.key` (or cert-manager's `key.der`), else `tls-combined.pem`, else a keystore.
 * @returns null where there is no certificate (yet): cert-manager leaves `tls.crt` empty while it issues
 */
export function partsOf(data: Readonly<Record<string, string>>): SecretParts | null {
  const cert = data['tls.crt'] ?? '';
  const key = (data['tls.key'] ?? '') || (data['key.der'] ?? '');
  if (cert !== '' && key !== '') return { cert, key };
  const names = Object.keys(data).filter((name) => !name.startsWith('truststore.') && data[name] !== '');
  for (const pattern of TOGETHER) {
    const found = names.find((name) => pattern.test(name));
    if (found !== undefined) return { cert: data[found] ?? '', key: '' };
  }
  return cert === '' ? null : { cert, key };
}
