import { hasKnownSecret, withoutKnownSecrets } from './secrets';
import { hasSecretForm, isSecretName, redactForms } from './redact';

/*
 * Makes every text safe that leaves the process: names of files, certificates and messages of other programs may
 * hold escape sequences, characters that reverse the direction of text, and secrets.
 */

/**
 * Control characters (C0 except tab and line feed, DEL, C1), characters that reverse text or are invisible,
 * noncharacters. With `u`, lone surrogates.
 */
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

/** JSON.stringify's escapes of control characters. */
const ESCAPED = /\\(?:u[0-9a-f]{4}|[bfr])/;

/** Makes characters visible that affect a terminal or mislead a reader: `<U+001B>`. */
function visible(text: string): string {
  return text.replace(
    HIDDEN,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

/** Removes secrets from a text: known values, and everything with the form of a secret. */
export const redact = (text: string): string => redactForms(withoutKnownSecrets(text));

/** A text in the form in which it may leave the process. */
export const safeText = (text: string): string =>
  hasKnownSecret(text) || hasSecretForm(text) ? visible(redact(text)) : visible(text);

/**
 * JSON for output; every text that leaves the process as JSON goes through here. Costs little where there is
 * nothing to remove.
 */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return isSuspect(text) ? JSON.stringify(value, safe, indent) : text;
}

/**
 * The same for one of many records of one kind.
 * @param texts all of its texts that come from outside; the others are words, digests, times and numbers of our own
 */
export function rowJson(value: object, texts: string): string {
  const text = JSON.stringify(value);
  return hasSuspectForm(texts) || hasKnownSecret(text) ? JSON.stringify(value, safe) : text;
}

/** Most texts are plain, which one test tells. */
const UNUSUAL = /[^\n\x20-\x7e]|\\/;

/** Whether a text has the form of a secret, or characters that mislead a reader. */
function hasSuspectForm(text: string): boolean {
  if (UNUSUAL.test(text) && (ESCAPED.test(text) || text.search(HIDDEN) !== -1)) return true;
  return hasSecretForm(text);
}

/** Whether a text may have something that has to be removed or made visible. */
export const isSuspect = (text: string): boolean => hasSuspectForm(text) || hasKnownSecret(text);

function safe(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return isSecretName(name) && value !== '' ? '[removed]' : safeText(value);
}

const MOST_LOOKED_AT = 64 * 1024;

/** The message of another program, on one line and cut off: it may hold anything. */
export function foreign(text: string, most = 200): string {
  const clean = safeText(text.slice(0, MOST_LOOKED_AT)).replace(/\s+/g, ' ').trim();
  if (clean.length > most) return `${clean.slice(0, most)}…`;
  // A cut could halve a secret and hide it from the search.
  return text.length > MOST_LOOKED_AT ? 'its message is too long to be repeated' : clean;
}
