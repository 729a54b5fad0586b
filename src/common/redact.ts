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

/** Tokens that tell by their form. */
const TOKEN_FORMS: readonly RegExp[] = [
  // Vault and OpenBao
  /\b(?:hv[sbr]\.[A-Za-z0-9_-]{20,}|s\.[A-Za-z0-9]{24}\b|b\.[A-Za-z0-9_-]{80,})/,
  // JSON Web Tokens; a run of their characters is taken whole, so that it is looked at once.
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
  [
    /(\b(?:discord(?:app)?\.com\/api\/webhooks|[a-z0-9-]{1,63}\.webhook\.office\.com\/webhookb2)\/)[^\s"'\\]+/gi,
    '$1[removed]',
  ],
  // Parts of signed addresses.
  [/([?&](?:sig|signature|x-amz-signature|x-amz-security-token|code)=)[^\s&"'\\]{8,}/gi, '$1[removed]'],
  ...TOKEN_FORMS.map((form): readonly [RegExp, string] => [new RegExp(form.source, 'g'), '[token removed]']),
];

/*
 * Something that one of the rules may be about. Far from exact, so that a text that has none costs little: a status of
 * 10,000 certificates is looked at whole.
 */
const HINTS: readonly RegExp[] = [
  /private key|authoriz|token|pass(?:word|wd|phrase)|secret|cookie|bearer|basic|api[-_]?key|["']key(?:_alt)?\\*["']|(?:access|private)[-_]key|webhook|hooks\.|sig(?:nature)?=|code=/i,
  /eyJ|\bgh[oprsu]_|github_pat|\bgl[a-z]{1,6}[-_]|pat_|AKIA|ASIA|ABIA|ACCA|AIza|_v1_|8Q~|\bxox|\bxapp|:AA|_live_|_test_|npm_|pypi-|NRAK|AGE-|:\/\/[^\s/?#"'\\]+@/,
];

/** Forms that are told by a dot and what follows it: the first is quick, the second tells them from long host names. */
const AFTER_DOT = /\.[A-Za-z0-9_-]{16}/;
const TOKEN_AFTER_DOT =
  /\b(?:hv[sbr]|[sb]|SG)\.[A-Za-z0-9_-]{16}|\b[a-z0-9]{6}\.(?=[a-z]*\d)[a-z0-9]{16}\b|\.atlasv1\./;

const SECRET_NAME = new RegExp(`^(?:${SECRET_NAMES})$`, 'i');

/** Whether there may be something in a text that `redactForms` takes out. */
export const hasSecretForm = (text: string): boolean =>
  HINTS.some((hint) => hint.test(text)) || (AFTER_DOT.test(text) && TOKEN_AFTER_DOT.test(text));

/** Takes private keys, tokens, passwords and credentials in addresses out of a text, by their form. */
export function redactForms(text: string): string {
  return RULES.reduce((clean, [pattern, instead]) => clean.replace(pattern, instead), text);
}

/** Names of fields are few; as many as a stranger's document has are forgotten. */
const names = new Map<string, boolean>();
const MAX_NAMES = 512;

/** Whether a field of this name holds a secret, whatever it looks like. */
export function isSecretName(name: string): boolean {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (names.size >= MAX_NAMES) names.clear();
  const isSecret = SECRET_NAME.test(name);
  names.set(name, isSecret);
  return isSecret;
}
