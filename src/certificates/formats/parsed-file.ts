import type { Reason } from '../../model';

/** The content of a file of any format. */
export interface ParsedFile {
  /** DER; leaf first where the format tells. */
  certificates: readonly Buffer[];
  /** PEM of the private key, not encrypted. */
  key: string | null;
}

/** Password and alias that open a keystore. */
export interface Unlock {
  password: string | undefined;
  alias: string | undefined;
}

/** A file of a known format that cannot be used; `open` puts the file and its format before the message. */
export class FormatProblem extends Error {
  override readonly name = 'FormatProblem';

  constructor(
    readonly reason: Reason,
    /** The problem and what to do; completes "… looks like PKCS#12: ". Never holds file content. */
    message: string,
  ) {
    super(message);
  }
}

/** The one message for a wrong password, which shows in many ways. */
export const wrongPassword = (): FormatProblem =>
  new FormatProblem(
    'encrypted_key',
    'the password is wrong; correct password, password_file or password_secret of its source',
  );

export const noPassword = (): FormatProblem =>
  new FormatProblem(
    'encrypted_key',
    'it is encrypted and its source has no password; set password_file (or password, password_secret) there',
  );

export const unknownScheme = (): FormatProblem =>
  new FormatProblem(
    'unsupported_format',
    'its encryption is of an unknown kind; export it again with AES (openssl pkcs12 -export, openssl pkcs8 -topk8)',
  );

/** More than fit into a file of 1 MiB unless it was made to be hostile. */
const MAX_CERTIFICATES = 1_000;

/** @throws FormatProblem where there are too many */
export function addCertificate<Found>(found: Found[], certificate: Found): void {
  if (found.length >= MAX_CERTIFICATES)
    throw new FormatProblem('too_large', `it holds more than ${MAX_CERTIFICATES} certificates`);
  found.push(certificate);
}
