/*
 * The last line of defence against secrets in output. Errors of libraries quote their input: a part of a file, a
 * header, an address, a body; so texts are searched for the forms of secrets.
 */

/** Base64 text; its line feeds may be escaped, once (JSON) or several times (JSON in JSON). */
const PEM_BODY = String.raw`(?:[A-Za-z0-9+/=\s]|\\+[nr])`;

/** Part of a name; limited, so that long texts are scanned only once. */
const WORDS = '[a-z-]{0,40}';

/** Names of secret values in headers, parameters and records. */
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

/** Tokens that are recognizable by their form. */
const TOKEN_FORMS: readonly RegExp[] = [
  // Vault and OpenBao
  /\b(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24}\b|b\.[A-Za-z0-9_-]{80,})/,
  // JSON Web Tokens; a run of their characters is matched whole, so that it is scanned only once.
  /(?<![A-Za-z0-9_-])(?=(?:[A-Za-z0-9_-]*?[-_])?eyJ[A-Za-z0-9_-]{5})(?=([A-Za-z0-9_-]+))\1\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*/,
  // GitHub, GitLab
  /\bgh[oprsu]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bgl[a-z]{2,6}-[A-Za-z0-9_.-]{20,}/,
  // Kong Konnect
  /\b[ks]pat_[A-Za-z0-9]{20,}/,
  // AWS, Google, DigitalOcean, Azure
  /\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|\bAIza[A-Za-z0-9_-]{30,}|\bya29\.[A-Za-z0-9_-]{20,}|\bdo[oprt]_v1_[a-f0-9]{40,}|\b[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,}/,
  // Slack, Telegram, SendGrid, Stripe, npm, PyPI, Terraform, Grafana, New Relic
  /\bxox[a-z]-[A-Za-z0-9-]{10,}|\bxapp-[A-Za-z0-9-]{10,}|\b\d{8,10}:AA[A-Za-z0-9_-]{30,}|\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{40,}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{40,}|\bgl(?:c|sa)_[A-Za-z0-9_+=/]{24,}|\bNRAK-[A-Z0-9]{20,}/,
  // Kubernetes (bootstrap), age
  /\b[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}\b(?!\.)|\bAGE-SECRET-KEY-1[A-Z0-9]{50,}/,
];

const RULES: readonly (readonly [RegExp, string])[] = [
  // Also cut off: up to the end of the text, or from the start of the base64 text.
  [
    new RegExp(
      '-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)' +
        // Only from the start of such a text, so that a long one is scanned once.
        String.raw`|(?<![A-Za-z0-9+/=\s\\])${PEM_BODY}{16,}-----END [A-Z0-9 ]*PRIVATE KEY-----`,
      'g',
    ),
    '[private key removed]',
  ],
  // {"key": "…"}: a quoted name and a value in the same quotes.
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
  // Bearer eyJ…, anywhere.
  [/\b(bearer|basic)\s+(?=[A-Za-z._~+/=-]*\d)[A-Za-z0-9._~+/=-]{8,}/gi, '$1 [removed]'],
  // password=…
  [
    /((?:pass(?:word|wd|phrase)|token|secret|secret_id|api[-_]?key)=)(?!\[removed\])[^\s,;&"'\\)]+/gi,
    '$1[removed]',
  ],
  // password: …; but not words of a sentence, and not paths.
  [
    /((?:pass(?:word|wd|phrase)|token|api[-_]?key):\s*)(?=[^\s\d]{0,15}\d|[^\s]{16})(?![/[])[^\s,;&"'\\)]{6,}/gi,
    '$1[removed]',
  ],
  // https://user:password@host
  [/:\/\/[^\s/?#"'\\]+@/g, '://[removed]@'],
  // The address of an incoming webhook is a secret.
  [/(\bhooks\.slack\.com\/)[^\s"'\\]+/gi, '$1[removed]'],
  [
    /(\b(?:discord(?:app)?\.com\/api\/webhooks|[a-z0-9-]{1,63}\.webhook\.office\.com\/webhookb2)\/)[^\s"'\\]+/gi,
    '$1[removed]',
  ],
  // Secret parameters of signed addresses.
  [/([?&](?:sig|signature|x-amz-signature|x-amz-security-token|code)=)[^\s&"'\\]{8,}/gi, '$1[removed]'],
  ...TOKEN_FORMS.map((form): readonly [RegExp, string] => [new RegExp(form.source, 'g'), '[token removed]']),
];

/*
 * Quick, coarse tests for texts that a rule may match, so that other texts cost little: the status of 10,000
 * certificates is checked whole.
 */
const HINTS: readonly RegExp[] = [
  /private key|authoriz|token|pass(?:word|wd|phrase)|secret|cookie|bearer|basic|api[-_]?key|["']key(?:_alt)?\\*["']|(?:access|private)[-_]key|webhook|hooks\.|sig(?:nature)?=|code=/i,
  /eyJ|\bgh[oprsu]_|github_pat|\bgl[a-z]{1,6}[-_]|pat_|\b(?:AKIA|ASIA|ABIA|ACCA)|AIza|_v1_|8Q~|\bxox|\bxapp|:AA[A-Za-z0-9_-]|_live_|_test_|npm_|pypi-|NRAK|AGE-|:\/\/[^\s/?#"'\\]+@/,
];

/** Tokens with a dot: the first expression is quick, the second excludes long host names. */
const AFTER_DOT = /\.[A-Za-z0-9_-]{16}/;
const TOKEN_AFTER_DOT =
  /\b(?:hv[sbr]|[sb]|SG)\.[A-Za-z0-9_-]{16}|\b[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}\b|\.atlasv1\./;

const SECRET_NAME = new RegExp(`^(?:${SECRET_NAMES})$`, 'i');

/** Whether `redactForms` may find something in a text. */
export const hasSecretForm = (text: string): boolean =>
  HINTS.some((hint) => hint.test(text)) || (AFTER_DOT.test(text) && TOKEN_AFTER_DOT.test(text));

/** Removes private keys, tokens, passwords and credentials in addresses from a text, by their form. */
export function redactForms(text: string): string {
  return RULES.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text);
}

/** Field names are few; beyond the limit (a foreign document) the cache is cleared. */
const names = new Map<string, boolean>();
const MAX_NAMES = 512;

/** Whether a field of this name holds a secret, whatever its value looks like. */
export function isSecretName(name: string): boolean {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size >= MAX_NAMES) names.clear();
  const isSecret = SECRET_NAME.test(name);
  names.set(name, isSecret);
  return isSecret;
}
