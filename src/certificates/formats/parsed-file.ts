import type { Reason } from '../../model';

/** The content of a file of any format. */
export interface ParsedFile {
  /** DER; the leaf first where the format tells. */
  certificates: readonly Buffer[];
  /** PEM of the private key, not encrypted. */
  key: string | null;
}

/** How to open what is encrypted. */
export interface Unlock {
  password: string | undefined;
  alias: string | undefined;
}

/** Why a file of a known format cannot be used; `open` puts the file and its format before it. */
export class FormatProblem extends Error {
  override readonly name = 'FormatProblem';

  constructor(
    readonly reason: Reason,
    /** What is wrong and what to do; goes on after "… looks like PKCS#12: ". Never holds file content. */
    message: string,
  ) {
    super(message);
  }
}

/** A wrong password shows in many ways; all get this sentence. */
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

/** More than a file of 1 MiB holds unless it was made to hold many. */
const MAX_CERTIFICATES = 1_000;

/** @throws FormatProblem where there are too many */
export function addCertificate<Found>(found: Found[], certificate: Found): void {
  if (found.length >= MAX_CERTIFICATES)
    throw new FormatProblem('too_large', `it holds more than ${MAX_CERTIFICATES} certificates`);
  found.push(certificate);
}
