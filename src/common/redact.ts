/*
 * Whatever else goes wrong, no secret leaves the process. Errors of libraries quote what they were given: a part of
 * a file, a header, an address, a body; so texts are searched by form.
 */

/** Base64 text; its line feeds may be escaped, as in a JSON text or in one that stands in another. */
const PEM_BODY = String.raw`(?:[A-Za-z0-9+/=\s]|\\+[nr])`;

/** In the middle of a name; with a limit, so that a long text is looked at once. */
const WORDS = '[a-z-]{0,40}';

/** Names of values that nobody else may see, in headers, parameters and records. */
const SECRET_NAMES = [
  'proxy-authorization',
  'authorization',
  'kong-admin-token',
  `x-${WORDS}token`,
  'private-token',
  '(?:x-)?api[-_]?key',
  'set-cookie',
  'cookie',
  String.raw`(?:[a-z]+[-_])*(?:pass(?:word|wd|phrase)|token|secret)`,
  'secret[-_]id',
  '(?:private|secret|access)[-_]key',
  'key(?:_alt)?',
].join('|');

const RULES: readonly (readonly [RegExp, string])[] = [
  // Not even cut off in the middle: up to the end of the text, or from the start of the base64 text.
  [
    new RegExp(
      '-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)' +
        // Only from where such a text starts, so that a long one is looked at once.
        String.raw`|(?<![A-Za-z0-9+/=\s\\])${PEM_BODY}{16,}-----END [A-Z0-9 ]*PRIVATE KEY-----`,
      'g',
    ),
    '[private key removed]',
  ],
  // {"key": "…"}: a name in quotes and a value in quotes of the same kind.
  [
    new RegExp(
      String.raw`(?<!\\)((\\*["'])(?:${SECRET_NAMES})\2\s*:\s*)\2(?:\\{2,}["']?|(?!\2)(?:\\[^]|[^]))*(?:\2|$)`,
      'gi',
    ),
    '$1$2[removed]$2',
  ],
  // Header: value, up to the end of the line or of the quoted text.
  [
    new RegExp(
      String.raw`\b((?:proxy-)?authorization|kong-admin-token|x-${WORDS}token|private-token|(?:set-)?cookie)(\s*[:=])(?!\s*\[removed\])\s*[^\r\n"'\\]+`,
      'gi',
    ),
    '$1$2 [removed]',
  ],
  // Bearer eyJ…, wherever it stands.
  [/\b(bearer|basic)\s+(?=[A-Za-z._~+/=-]*\d)[A-Za-z0-9._~+/=-]{8,}/gi, '$1 [removed]'],
  // password=…
  [
    /((?:pass(?:word|wd|phrase)|token|secret|secret_id|api[-_]?key)=)(?!\[removed\])[^\s,;&"'\\)]+/gi,
    '$1[removed]',
  ],
  // password: …; words of a sentence and paths are none.
  [
    /((?:pass(?:word|wd|phrase)|token|api[-_]?key):\s*)(?=[^\s\d]{0,15}\d|[^\s]{16})(?![/[])[^\s,;&"'\\)]{6,}/gi,
    '$1[removed]',
  ],
  // https://user:password@host
  [/:\/\/[^\s/?#"'\\]+@/g, '://[removed]@'],
  // The address of an incoming webhook is its password.
  [/(\bhooks\.slack\.com\/)[^\s"'\\]+/gi, '$1[removed]'],
  // Tokens that tell by their form: Vault's and OpenBao's, JSON Web Tokens.
  [/\b(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24}\b|b\.[A-Za-z0-9_-]{80,})/g, '[token removed]'],
  [/\beyJ[A-Za-z0-9_-]{5,2000}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*/g, '[token removed]'],
];

const SECRET_NAME = new RegExp(`^(?:${SECRET_NAMES})$`, 'i');

/** Takes private keys, tokens, passwords and credentials in addresses out of a text. */
export function redact(text: string): string {
  return RULES.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text);
}

/** For `JSON.stringify`: redacts every text, and the whole value where its name says that it is a secret. */
export function redacting(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return SECRET_NAME.test(name) && value !== '' ? '[removed]' : redact(value);
}
