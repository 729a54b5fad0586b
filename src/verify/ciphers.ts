import type { KeyType } from '../model';

/** What listeners accept, in nginx's notation. */
export interface TlsSettings {
  /** `TLSv1.2 TLSv1.3`; undefined: unknown. */
  protocols: string | undefined;
  /** A cipher list of OpenSSL for TLS up to 1.2; undefined: unknown. */
  ciphers: string | undefined;
}

/**
 * Why no client can get a certificate with this type of key, in a sentence; null: some can, or it is unknown. Only
 * plain lists of ciphers by name are understood.
 */
export function noCommonCipher(
  keyType: KeyType | 'other',
  { protocols, ciphers }: TlsSettings,
): string | null {
  // Ciphers of TLS 1.3 work with every key.
  if (protocols === undefined || ciphers === undefined || /\bTLSv1\.3\b/.test(protocols)) return null;
  const names = ciphers.split(/[:, ]+/).filter((name) => name !== '' && !/^[!-]/.test(name));
  if (names.length === 0 || keyType === 'other' || !names.every((name) => NAME.test(name))) return null;
  const isForEcdsa = (name: string) => name.includes('-ECDSA-');
  const isFit = keyType === 'rsa' ? names.some((name) => !isForEcdsa(name)) : names.some(isForEcdsa);
  if (isFit) return null;
  const [needed, taken] = keyType === 'rsa' ? ['RSA', 'ECDSA'] : ['ECDSA', 'RSA'];
  return `Kong's listeners accept ${protocols} with ciphers for ${taken} keys only, so no client could get a certificate with ${needed === 'RSA' ? 'an RSA' : 'an ECDSA'} key; issue it with the other type of key, or change ssl_ciphers or ssl_protocols`;
}

/** `ECDHE-RSA-AES128-GCM-SHA256`; words like `HIGH` and `kEDH+AESGCM` stand for many. */
const NAME = /^[A-Z0-9]+(-[A-Za-z0-9_]+)+$/;
