import { chainOf } from '../chain';
import { parseCertificate, type ParsedCertificate } from '../x509';
import { FormatProblem } from './parsed-file';

/** Most names in a sentence. */
const MAX_LISTED = 8;

/**
 * Picks the entry of a keystore: the only one, or the one named `alias` (compared as keytool does, ignoring case).
 * @throws FormatProblem where there is none, or several and no alias
 */
export function choose<Entry extends { alias: string }>(
  entries: readonly Entry[],
  alias: string | undefined,
): Entry {
  const [first] = entries;
  if (first === undefined) {
    throw new FormatProblem('missing_key', 'it holds no private key; a truststore has only certificates');
  }
  if (alias === undefined) {
    if (entries.length === 1) return first;
    throw new FormatProblem(
      'alias_needed',
      `it holds ${entries.length} keys (${listed(entries)}); name one as alias in its source`,
    );
  }
  const wanted = entries.filter((entry) => entry.alias.toLowerCase() === alias.toLowerCase());
  if (wanted[0] !== undefined && wanted.length === 1) return wanted[0];
  throw new FormatProblem(
    'alias_needed',
    wanted.length === 0
      ? `it holds no key with the alias ${alias}; it has ${listed(entries)}`
      : `it holds ${wanted.length} keys with the alias ${alias}; give each a name of its own`,
  );
}

function listed(entries: readonly { alias: string }[]): string {
  const names = entries
    .slice(0, MAX_LISTED)
    .map(({ alias }) => (alias === '' ? 'one without a name' : printable(alias)));
  return `${names.join(', ')}${entries.length > MAX_LISTED ? ', …' : ''}`;
}

/** Names from a keystore go into logs: no control characters, limited length. */
// eslint-disable-next-line no-control-regex
const printable = (text: string) => text.replace(/[\0-\x1f\x7f-\x9f]/g, '?').slice(0, 64);

/**
 * The chain of a leaf out of all certificates of a keystore.
 * @returns leaf first; certificates outside of the chain are left out
 */
export function ownChain(leaf: Buffer, others: readonly Buffer[]): Buffer[] {
  const parsed = parseOrNull(leaf);
  if (parsed === null) return [leaf];
  const issuers = others.map(parseOrNull).filter((certificate) => certificate !== null);
  return chainOf(parsed, issuers).map(({ der }) => der);
}

function parseOrNull(der: Buffer): ParsedCertificate | null {
  try {
    return parseCertificate(der);
  } catch {
    return null;
  }
}
