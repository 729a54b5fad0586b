/** What was found in a file, whatever its format. */
export interface Contents {
  /** DER; the leaf first where the format tells. */
  certificates: readonly Buffer[];
  /** PEM of the private key, not encrypted. */
  key: string | null;
}

/** How to get at what is locked. */
export interface Unlock {
  password: string | undefined;
  alias: string | undefined;
}

export function pemOf(label: string, der: Buffer): string {
  const body = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;
}
