/** Control characters, those that turn the direction of text, unpaired surrogates, and what Unicode has not assigned. */
const UNPRINTABLE = /[\p{C}\u2028\u2029]/gu;

const PLAIN = /^[\x20-\x7e]*$/;

/** A name that others chose, safe for terminals and logs: what they might obey is written as an escape. */
export const printable = (text: string): string =>
  PLAIN.test(text)
    ? text
    : text.replace(UNPRINTABLE, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
