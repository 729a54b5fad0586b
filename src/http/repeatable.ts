import { foreign } from '../common/safe-text';

const MAX_CHARS = 400;
/** Longer than any word of a sentence: a key, a token or a certificate. */
const LONG = /[A-Za-z0-9+/=_-]{65,}/g;
/** Shorter secrets would be found by chance. */
const SHORTEST = 6;

/**
 * The part of a server's message that may be repeated: it may contain anything, even what it was sent, in any
 * spelling. A message that quotes a secret is dropped whole.
 * @param secrets secrets that the server was sent
 */
export function repeatable(text: string, secrets: readonly string[]): string {
  const said = text.slice(0, 20 * MAX_CHARS);
  if (quotes(said, secrets)) return 'the message is left out, because it quotes what was sent';
  return foreign(said.replace(LONG, '[…]'), MAX_CHARS);
}

function quotes(text: string, secrets: readonly string[]): boolean {
  const wanted = secrets.map(plain).filter((secret) => secret.length >= SHORTEST);
  if (wanted.length === 0) return false;
  const spellings = [text, decodedUri(text), ...decoded(text, /[A-Za-z0-9+/_-]{8,}/g, 'base64')];
  spellings.push(...decoded(text, /(?:[0-9a-f]{2}[\s:]?){6,}/gi, 'hex'));
  return spellings
    .map(plain)
    .some((said) => wanted.some((secret) => said.includes(secret) || said.includes(backwards(secret))));
}

/** Compared without punctuation and case. */
const plain = (text: string) => text.replace(/[^A-Za-z0-9]/g, '').toLowerCase();

const backwards = (text: string) => Array.from(text).reverse().join('');

function decodedUri(text: string): string {
  return text.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)));
}

function decoded(text: string, form: RegExp, encoding: 'base64' | 'hex'): string[] {
  return [...text.matchAll(form)].map(([run]) =>
    Buffer.from(encoding === 'hex' ? run.replace(/[^0-9a-f]/gi, '') : run, encoding).toString('latin1'),
  );
}
