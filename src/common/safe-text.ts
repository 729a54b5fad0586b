import { hasKnownSecret, withoutKnownSecrets } from './secrets';
import { hasSecretForm, isSecretName, redactForms } from './redact';

/*
 * Everything that leaves the process goes through here: names of files, certificates and messages of other programs may
 * hold escape sequences for a terminal, marks that turn text around, and secrets.
 */

/**
 * Control characters (C0 but tab and line feed, DEL, C1), marks that turn text around or do not show, characters that
 * are none. With `u`, lone surrogates.
 */
const HIDDEN =
  // eslint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

/** What `JSON.stringify` makes of control characters. */
const ESCAPED = /\\(?:u[0-9a-f]{4}|[bfr])/;

/** Makes characters visible that would do something to a terminal or to a reader: `<U+001B>`. */
export function visible(text: string): string {
  return text.replace(
    HIDDEN,
    (character) => `<U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

/** Takes secrets out of a text: values that are known, and what has the form of a secret. */
export const redact = (text: string): string => redactForms(withoutKnownSecrets(text));

/** A text as it may leave the process. */
export const safeText = (text: string): string =>
  hasKnownSecret(text) || hasSecretForm(text) ? visible(redact(text)) : visible(text);

/** The one way to JSON for everything that leaves the process. Costs little where there is nothing to remove. */
export function toJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, null, indent);
  return isSuspect(text) ? JSON.stringify(value, safe, indent) : text;
}

/** Most texts are plain, which one look tells. */
const UNUSUAL = /[^\n\x20-\x7e]|\\/;

function isSuspect(text: string): boolean {
  if (UNUSUAL.test(text) && (ESCAPED.test(text) || text.search(HIDDEN) !== -1)) return true;
  return hasSecretForm(text) || hasKnownSecret(text);
}

function safe(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return isSecretName(name) && value !== '' ? '[removed]' : safeText(value);
}

const MOST_LOOKED_AT = 64 * 1024;

/** What another program said, on one line and cut off: it may hold anything. */
export function foreign(text: string, most = 200): string {
  const clean = safeText(text.slice(0, MOST_LOOKED_AT)).replace(/\s+/g, ' ').trim();
  if (clean.length > most) return `${clean.slice(0, most)}…`;
  // The cut may have gone through a secret.
  return text.length > MOST_LOOKED_AT ? 'its message is too long to be repeated' : clean;
}
