/** More than any configuration has; beyond it the value that was unused for longest is forgotten. */
const MAX_KNOWN = 512;
/** Shorter values are ordinary words. */
const LEAST_LENGTH = 6;
/** A longer value is a file; keys are recognized by their form. */
const MOST_LENGTH = 16 * 1024;

const known = new Set<string>();
let pattern: RegExp | null = null;

/**
 * Has a token or password removed from everything that leaves the process. To be called where it is read, or right
 * before it is used.
 */
export function rememberSecret(value: string): void {
  const secret = value.trim();
  if (secret.length < LEAST_LENGTH || secret.length > MOST_LENGTH || secret.startsWith('{vault://')) return;
  const isKnown = known.delete(secret);
  known.add(secret);
  if (isKnown) return;
  for (const oldest of known) {
    if (known.size <= MAX_KNOWN) break;
    known.delete(oldest);
  }
  pattern = null;
}

/** Remembers the value of a header; `Bearer` and `Basic` are not part of the secret. */
export const rememberHeader = (value: string): void =>
  rememberSecret(value.replace(/^(?:bearer|basic|token)\s+/i, ''));

/** Removes every known secret: as it is, in base64, and percent-encoded. */
export function withoutKnownSecrets(text: string): string {
  return known.size === 0 ? text : text.replace(knownPattern(), '[removed]');
}

export const hasKnownSecret = (text: string): boolean => known.size > 0 && text.search(knownPattern()) !== -1;

function knownPattern(): RegExp {
  if (pattern === null) {
    const forms = [...new Set([...known].flatMap(formsOf))].sort((a, b) => b.length - a.length);
    const escaped = forms.map((form) => form.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&'));
    // Plain alternatives are searched for together; a condition before each would make them be tried one by one.
    pattern = new RegExp(`(?<![A-Za-z0-9])(?:${escaped.join('|')})(?![A-Za-z0-9])`, 'g');
  }
  return pattern;
}

function formsOf(secret: string): string[] {
  const base64 = Buffer.from(secret).toString('base64').replace(/=+$/, '');
  return [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), base64];
}
