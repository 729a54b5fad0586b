import { describe, expect, it, test } from 'vitest';
import { JsonLogger, redact } from '../../../src/report';
import { issue, secretsIn } from '../../support/bundles';

const pair = issue({ key: 'rsa-2048' });
const SECRET = 'p4ssw0rd-that-nobody-sees';

describe('a secret', () => {
  test.for<[string, string]>([
    ['a header', `sent Authorization: Bearer ${SECRET}`],
    [
      'a header of basic credentials',
      `authorization: Basic ${Buffer.from(`kong:${SECRET}`).toString('base64')}`,
    ],
    ["the Admin API's header", `Kong-Admin-Token: ${SECRET}`],
    ["Vault's header", `< X-Vault-Token: ${SECRET}\r\n< host: vault`],
    [
      'headers as JSON',
      JSON.stringify({ headers: { 'X-Vault-Token': SECRET, authorization: `Bearer ${SECRET}` } }),
    ],
    ['a bearer token in a sentence', `bearer ${SECRET} is not known`],
    ['an address with credentials', `GET https://kong:${SECRET}@vault.test:8200/v1 failed`],
    ['an address with a token as the user', `https://${SECRET}@vault.test/v1`],
    ['an address whose password has an @ in it', `https://kong:x@${SECRET}@vault.test/v1`],
    ['a connection text', `postgres://kong:${SECRET}@127.0.0.1/kong`],
    ['a parameter', `POST /login?client_secret=${SECRET}&x=1`],
    ['a setting', `pg_password = 1, password=${SECRET}`],
    ['a setting with a colon', `password: ${SECRET}`],
    ['a key in a JSON text', JSON.stringify({ cert: 'x', key: SECRET })],
    ['a twin key in a JSON text', JSON.stringify({ key_alt: SECRET })],
    ['a key in a JSON text in a JSON text', JSON.stringify({ body: JSON.stringify({ key: SECRET }) })],
    ['a JSON text on several lines, in a JSON text', String.raw`{\n\"key\": \"${SECRET}\"\n}`],
    ['a key with quotes in it', JSON.stringify({ key: `ab"${SECRET}"cd` })],
    ['a JSON text that is cut off', `{"key": "${SECRET}`],
    ['an object of a program', `{ 'password': '${SECRET}' }`],
    ['a Slack address', `https://hooks.slack.com/services/T000/B000/${SECRET}`],
    ["one of Vault's tokens", `token hvs.${SECRET.replaceAll('-', '')}`],
    ["one of OpenBao's batch tokens", `token b.${SECRET.replaceAll('-', '').repeat(6)}`],
    ['a JSON Web Token', `the server said eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJrb25nIn0.${SECRET}`],
  ])('in %s is removed', ([, text]) => {
    const clean = redact(text);
    expect(clean).not.toContain(SECRET);
    expect(clean).not.toContain(SECRET.replaceAll('-', ''));
    expect(clean).not.toContain(Buffer.from(`kong:${SECRET}`).toString('base64'));
    expect(clean).toContain('removed]');
    expect(redact(clean)).toBe(clean);
  });

  test.for(['\\n', '\\r\\n', '\\\\n'])(
    'in a private key on one line, with %j for its line feeds, is removed',
    (feed) => {
      const line = pair.key.trimEnd().split('\n').join(feed);
      expect(redact(`at ${line} there`)).toBe('at [private key removed] there');
      for (const from of [10, 60, 200]) {
        for (const secret of secretsIn(pair.key).slice(5))
          expect(redact(line.slice(from))).not.toContain(secret);
      }
      for (const to of [100, 400]) expect(redact(line.slice(0, to))).toBe('[private key removed]');
    },
  );

  it('in a field of a line is removed by its name', () => {
    const lines: string[] = [];
    const fields = { detail: { token: SECRET, headers: { 'kong-admin-token': SECRET }, key: SECRET } };
    new JsonLogger((line) => lines.push(line)).log('info', 'x', fields);
    expect(lines.join('')).not.toContain(SECRET);
    expect(lines.join('')).toContain('[removed]');
  });
});

describe('a sentence without a secret', () => {
  test.for([
    'the private key does not belong to the certificate',
    'admin.token: expected a string',
    'admin.token_file: expected an absolute path',
    'the Admin API at http://127.0.0.1:8001 answered 401: set admin.token or admin.token_file',
    'basic constraints say that it is a CA',
    'the Secret default/www-tls-2 has no tls.key',
    "ENOENT: no such file or directory, open '/run/secrets/token'",
    'cannot read the token: /var/run/secrets/kubernetes.io/serviceaccount/token',
    'https://example.test/path?x=1#@here',
    'write to admin@example.test',
    pair.cert,
  ])('stays: %s', (text) => {
    expect(redact(text)).toBe(text);
  });
});

it('a long text costs no more than its length', () => {
  const texts = [
    'A'.repeat(1_000_000),
    '-----BEGIN '.repeat(50_000),
    '"key":'.repeat(50_000),
    'x://'.repeat(100_000),
    '\\'.repeat(1_000_000),
    '\\"'.repeat(300_000),
    'a-'.repeat(500_000),
    'x-'.repeat(500_000),
    'a.'.repeat(500_000),
    '://@'.repeat(100_000),
    'token:,'.repeat(100_000),
    'eyJ-'.repeat(20_000),
  ];
  // Each would take minutes if its length counted squared.
  for (const text of texts) expect(redact(text).length).toBeGreaterThan(0);
});
