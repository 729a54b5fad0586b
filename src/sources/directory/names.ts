/** Role of a file by its name; where names do not tell which files belong together, content decides. */
type Role = 'certificate' | 'fullchain' | 'issuers' | 'key' | 'public_key' | 'keystore' | 'truststore';

/** The parts of a file's name. */
export interface ParsedName {
  name: string;
  role: Role;
  /** In lower case, without endings and role words, the rest joined by dots: `www.example.test`. */
  stem: string;
  /** Without its last ending, otherwise unchanged. */
  base: string;
  /** A number behind the role word: `fullchain3.pem`, `cert-1795000000.pem`. */
  number: string | null;
  /** No ending and no known word: only its content can tell its role. */
  isPlain: boolean;
}

type Hint = 'key' | 'fullchain' | 'issuers' | 'certificate' | 'public' | 'keystore';

/** Endings of files that may hold certificates or keys, with the role that they suggest. */
const ENDINGS: ReadonlyMap<string, Hint | null> = new Map([
  ...['crt', 'cer', 'cert', 'pem', 'der', 'p7b', 'p7c', 'combined', 'rsa', 'ecdsa', 'ec', 'ed25519'].map(
    (ending) => [ending, null] as const,
  ),
  ['certificate', 'certificate'] as const,
  ...['fullchain', 'chained'].map((ending) => [ending, 'fullchain'] as const),
  ...['ca-bundle', 'ca_bundle', 'cabundle', 'bundle', 'chain', 'issuer', 'ca', 'cacert'].map(
    (ending) => [ending, 'issuers'] as const,
  ),
  ...['key', 'p8', 'pk8', 'pkcs8', 'privkey', 'privatekey', 'private'].map(
    (ending) => [ending, 'key'] as const,
  ),
  ...['p12', 'pfx', 'jks', 'keystore'].map((ending) => [ending, 'keystore'] as const),
]);

const WORDS: ReadonlyMap<string, Hint> = new Map([
  ...['key', 'privkey', 'privatekey', 'private', 'prvkey', 'pkey', 'keyfile'].map((w) => [w, 'key'] as const),
  ...['fullchain', 'full', 'chained'].map((word) => [word, 'fullchain'] as const),
  ...[
    ...['ca', 'chain', 'only', 'chainonly', 'cabundle', 'cachain', 'cacert', 'cacerts', 'bundle', 'root'],
    ...['rootca', 'intermediate', 'intermediates', 'interm', 'inter', 'issuer', 'issuers', 'short'],
  ].map((word) => [word, 'issuers'] as const),
  ...['cert', 'crt', 'cer', 'certificate'].map((word) => [word, 'certificate'] as const),
  ['public', 'public'],
]);

/** Stores of trusted certificates, in any format. */
const TRUSTSTORE = /^(truststore|cacerts)(\.|$)/i;

/** Files without an ending that are common beside certificates and never hold one. */
const ABOUT = /^(readme|license|info|makefile|dockerfile)$/;

/** @returns null where the name rules out a certificate or key */
export function parseName(name: string): ParsedName | null {
  const lower = name.toLowerCase();
  const hints: Hint[] = [];
  let rest = lower;
  let isPlain = false;
  for (let isLast = true; ; isLast = false) {
    const dot = rest.lastIndexOf('.');
    const ending = rest.slice(dot + 1);
    if (dot < 1 || !ENDINGS.has(ending)) {
      // Hosters put keys into text files; some tools write no endings at all.
      if (!isLast) break;
      if (ending !== 'txt' && dot > 0) return null;
      if (dot > 0) rest = rest.slice(0, dot);
      if (WORDS.has(lastWord(rest))) break;
      if (dot > 0 || ABOUT.test(rest)) return null;
      isPlain = true;
      break;
    }
    const hint = ENDINGS.get(ending) ?? null;
    if (hint !== null) hints.push(hint);
    rest = rest.slice(0, dot);
  }
  const words = rest.split(/[._\-+ ()]+/).filter((word) => word !== '');
  let number: string | null = null;
  for (let word = words.at(-1); word !== undefined; word = words.at(-1)) {
    const [, letters = '', digits = ''] = /^([a-z]*?)(\d*)$/.exec(word) ?? [];
    // The certificate of a private CA is no key, despite the word.
    const hint = letters === 'private' && hints.includes('issuers') ? undefined : WORDS.get(letters);
    if (hint !== undefined && (digits === '' || number === null)) {
      hints.push(hint);
      if (digits !== '') number = digits;
    } else if (letters === '' && digits !== '' && number === null && WORDS.has(words.at(-2) ?? '')) {
      number = digits;
    } else break;
    words.pop();
  }
  const dot = name.lastIndexOf('.');
  return {
    name,
    role: TRUSTSTORE.test(name) ? 'truststore' : roleOf(hints),
    stem: words.join('.'),
    base: dot < 1 ? name : name.slice(0, dot),
    number,
    isPlain,
  };
}

const lastWord = (text: string) => /([a-z]*)\d*$/.exec(text)?.[1] ?? '';

function roleOf(hints: readonly Hint[]): Role {
  const has = (hint: Hint) => hints.includes(hint);
  if (has('keystore')) return 'keystore';
  if (has('key')) return has('public') ? 'public_key' : 'key';
  if (has('fullchain')) return 'fullchain';
  return has('issuers') ? 'issuers' : 'certificate';
}

export const hasKnownEnding = (name: string): boolean =>
  ENDINGS.has(name.slice(name.lastIndexOf('.') + 1).toLowerCase());

/** Whether a file of this name may hold a certificate or key. */
export const isOfInterest = (name: string): boolean => parseName(name) !== null;
