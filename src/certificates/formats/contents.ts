import { FormatProblem } from './problem';

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

/** More than fit into a file of 1 MiB, unless they were made to be many. */
const MAX_CERTIFICATES = 1_000;

/** Adds one more that was found. @throws FormatProblem where they are too many */
export function addCertificate<Found>(found: Found[], certificate: Found): void {
  if (found.length >= MAX_CERTIFICATES)
    throw new FormatProblem('too_large', `it holds more than ${MAX_CERTIFICATES} certificates`);
  found.push(certificate);
}
