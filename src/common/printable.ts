/**
 * Control characters, marks that turn the direction of text, unpaired surrogates, and code points that Unicode has
 * not assigned.
 */
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu;

const PLAIN = /^[\x20-\x7e]*$/;

/** A name from outside, safe for terminals and logs: characters that they might interpret are escaped. */
export const printable = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
