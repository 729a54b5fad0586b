import { PassThrough } from 'node:stream';
import { describe, expect, it, test } from 'vitest';
import { painter, standardOutput } from '../../src/cli/output';
import { table } from '../../src/cli/table';
import { hasSecretForm, redactForms } from '../../src/common/redact';
import { foreign, safeText, toJson } from '../../src/common/safe-text';
import { rememberSecret } from '../../src/common/secrets';
import { refusal, type PassEvent } from '../../src/model';
import { EventReporter, JsonLogger, LogReporter } from '../../src/report';
import { certificateJson } from '../../src/status/certificate-json';
import { statusJson } from '../../src/status/status-json';
import { renderMetrics } from '../../src/status/metrics';
import { Webhook } from '../../src/alerts/webhook';
import { issue, secretsIn } from '../support/bundles';
import { startReceiver } from '../support/receiver';
import { reportOf } from '../support/reports';
import { certificate } from '../support/statuses';
import { matched, reloaderView, reportView } from '../support/status-views';

/**
 * Characters that affect a terminal or mislead a reader: C0, DEL, C1, direction, invisible, noncharacters, half a
 * pair.
 */
const HOSTILE = [
  ...['\x1b[2J', '\x1b]0;owned\x07', '\x1b[31m', '\x9b2J', '\x90', '\x00', '\x08', '\r', '\x7f', '\u0085'],
  ...['\u202e', '\u2066', '\u200f', '\u061c', '\u2028', '\u200b', '\ufeff', '\ufdd0', '\ud800', '\u{e0041}'],
];
const HARMFUL =
  // eslint-disable-next-line no-control-regex
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufdd0-\ufdef\ufeff\ud800-\udfff\u{e0000}-\u{e007f}]/u;

/** Values that were read as secrets and have no form of their own. */
const KNOWN = ['correct horse battery', 'tr0ub4dor&3', 'pl/ain+word=', 'x"quoted"\\y1'];
for (const value of KNOWN) rememberSecret(value);

const { key } = issue();
const VENDORS = [
  `hvs.${'CAESIJ'.repeat(5)}`,
  'ghp_16C7e42F292c6912E7710c838347Ae178B4a',
  'github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuV',
  'glpat-abcdefghij0123456789',
  'AKIAIOSFODNN7EXAMPLE',
  `AIza${'Sy0aB-'.repeat(6)}`,
  ['xoxb', '123456789012', 'abcdefGHIJKL'].join('-'),
  'SG.abcdefghijklmnop.qrstuvwxyz0123456789',
  ['sk', 'live', '4eC39HqLyjWDarjtT1zdp7dc'].join('_'),
  `npm_${'a1B2c3D4e5'.repeat(4)}`,
  `kpat_${'Abc123'.repeat(6)}`,
  `dop_v1_${'0123456789abcdef'.repeat(4)}`,
  '07401b.f395accd246ae52d',
  'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJrb25nIn0.c2lnbmF0dXJl',
];
const SECRETS = [...KNOWN, ...VENDORS, ...secretsIn(key).slice(5)];
const SENTENCE = `${HOSTILE.join('a')} ${KNOWN.join(' and ')}; ${VENDORS.join(', ')} ${key} https://u:p4ssw0rd9@h.test/`;

/** Nothing that is hidden, and no secret, in any of its usual forms. */
function expectClean(text: string): void {
  expect(HARMFUL.exec(text.replaceAll('\n', ''))?.[0]).toBeUndefined();
  for (const secret of [...SECRETS, 'p4ssw0rd9']) {
    expect(text).not.toContain(secret);
    expect(text).not.toContain(encodeURIComponent(secret));
    expect(text).not.toContain(JSON.stringify(secret).slice(1, -1));
  }
}

/** The texts in a JSON text, as who parses it sees them. */
function expectCleanJson(json: string): void {
  expectClean(json);
  JSON.parse(json, (_, value: unknown) => {
    if (typeof value === 'string') expectClean(value);
    return value;
  });
}

const hostile = () => {
  const one = matched('www');
  return {
    certificate: { ...one.certificate, snis: [`www\x1b[2J.${KNOWN[0]!}.test`] },
    bundle: { ...one.bundle, location: `/certs/${SENTENCE}` },
  };
};

const event: PassEvent = {
  bundle: `directory:/certs ${SENTENCE}`,
  location: `/certs/${SENTENCE}`,
  fingerprint: null,
  notAfter: null,
  snis: [SENTENCE],
  secret: { namespace: 'web', name: 'tls', uid: 'u1' },
  outcome: { kind: 'refused', refusal: refusal('key_mismatch', SENTENCE) },
};
const report = reportOf({
  events: [event],
  sourceErrors: [{ source: `directory:/certs/${SENTENCE}`, refusal: refusal('unreadable', SENTENCE) }],
});

describe('control characters and secrets in names and messages do not reach', () => {
  const printed = (say: (out: ReturnType<typeof standardOutput>) => void) => {
    const stream = new PassThrough();
    say(standardOutput(stream as unknown as NodeJS.WriteStream));
    return String(stream.read());
  };

  it('the terminal', () => {
    const paint = painter(true);
    const text = printed((out) => {
      out.print(`${paint('red', SENTENCE)} ${SENTENCE}`);
      out.print(
        table([{ title: 'A' }, { title: 'B' }], [[paint('green', SENTENCE), SENTENCE]], { paint, width: 80 }),
      );
    });
    const own = ['\x1b[31m', '\x1b[32m', '\x1b[39m', '\x1b[2m', '\x1b[22m'];
    expectClean(own.reduce((left, code) => left.replaceAll(code, ''), text));
    // Our own colours do.
    expect(text).toContain('\x1b[31m');
    expect(text.split('\x1b[31m')).toHaveLength(2);
  });

  it('JSON of a command', () => {
    expectCleanJson(printed((out) => out.json([{ detail: SENTENCE, names: [SENTENCE] }])));
    expectCleanJson(printed((out) => out.line({ detail: SENTENCE })));
  });

  it('the log', () => {
    const lines: string[] = [];
    const logger = new JsonLogger((line) => lines.push(line));
    void new LogReporter(logger).pass(report);
    logger.log('error', 'x', { error: SENTENCE, stack: SENTENCE });
    expect(lines).toHaveLength(3);
    lines.forEach(expectCleanJson);
  });

  it('/metrics', async () => {
    const text = await renderMetrics(reportView([reloaderView([hostile()])]));
    expectClean(text);
    expect(text).toContain('/certs/<U+001B>');
    // Still the text format: nothing else is escaped in it than a quote, a backslash and a line feed.
    for (const line of text.split('\n'))
      expect(line).toMatch(/^(#.*|[a-z_]+(\{([a-z0-9_]+="([^"\\]|\\[\\n"])*",?)*\})? \S+)?$/);
  });

  it('a name that looks like the beginning of a key hides nothing of others in /metrics', async () => {
    const one = matched('www');
    const begins = { ...one.bundle, location: '/certs/-----BEGIN PRIVATE KEY-----' };
    const text = await renderMetrics(
      reportView([reloaderView([{ ...one, bundle: begins }, matched('shop'), matched('api')])]),
    );
    const lines = text.split('\n').filter((line) => line.includes('certificate_info{'));
    expect(lines).toHaveLength(3);
    for (const name of ['shop', 'api']) expect(lines.some((line) => line.includes(name))).toBe(true);
  });

  it('/status and the page, which shows it', async () => {
    let text = '';
    const why = refusal('unreachable', SENTENCE);
    const view = { ...reportView([reloaderView([hostile()], 'E', why)]), waiting: SENTENCE };
    for await (const chunk of statusJson(view)) text += chunk;
    expectCleanJson(text);
  });

  it('a webhook', async () => {
    const receiver = await startReceiver();
    const webhook = new Webhook({ webhook: receiver.url, headers: [], allow_http: true }, (url) => url);
    await webhook.post({ alerts: [{ summary: SENTENCE, snis: [SENTENCE] }] });
    webhook.close();
    expectCleanJson(JSON.stringify(receiver.received[0]?.body));
  });

  it('an Event', () => {
    const posted: object[] = [];
    const reporter = new EventReporter((_, body) => Promise.resolve(posted.push(body)), {
      log: () => undefined,
    });
    reporter.pass(report);
    expect(posted).toHaveLength(1);
    expectCleanJson(JSON.stringify(posted));
  });
});

test("another program's message is repeated on one line and not at length", () => {
  const told = foreign(`${SENTENCE}\n${'long '.repeat(1000)}`);
  expectClean(told);
  expect(told).not.toContain('\n');
  expect(told.length).toBeLessThan(220);
});

describe('random texts', () => {
  // A generator with a seed: the same texts each time.
  let state = 42;
  const random = (below: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % below;
  };
  const pick = <T>(list: readonly T[]) => list[random(list.length)]!;
  const word = () =>
    pick([
      ...HOSTILE,
      ...KNOWN,
      ...VENDORS,
      'www.example.test',
      'a "b" \\',
      'пример',
      '证书',
      '\n',
      ': ',
      ' ',
    ]);
  const texts = Array.from({ length: 2_000 }, () =>
    Array.from({ length: 1 + random(12) }, word).join(pick([' ', '/', ', ', '; '])),
  );

  it('are clean as text and as JSON', () => {
    for (const text of texts) {
      expectClean(safeText(text));
      expectCleanJson(toJson({ a: [text], b: { c: text } }));
    }
  });

  it('are clean in each field of a certificate, and its JSON is that of every other record', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const fields: ((text: string) => Parameters<typeof certificate>[0])[] = [
      (text) => ({ certificate_id: text }),
      (text) => ({ snis: ['plain.test', text] }),
      (text) => ({ source: { ...certificate().source!, source: text } }),
      (text) => ({ source: { ...certificate().source!, location: text } }),
      (text) => ({ served: { ...certificate().served!, detail: text } }),
      (text) => ({ refusal: { reason: 'unreadable', message: text, at, is_standing: true } }),
      (text) => ({ write_failure: { kind: 'mistake', message: text, since: at } }),
      (text) => ({ hold: { kind: 'pinned', until: null, detail: text } }),
      (text) => ({ note: text }),
    ];
    for (const text of texts.slice(0, 500)) {
      const one = certificate(pick(fields)(text));
      expect(certificateJson(one)).toBe(toJson(one));
    }
  });

  it('are clean in every label of a metric, whichever certificate they come with', async () => {
    for (let index = 0; index < 15; index++) {
      const text = pick(texts);
      const hostile = matched('hostile');
      hostile.bundle.location = text;
      hostile.certificate = { ...hostile.certificate, id: pick(['b', text]), snis: ['plain.test', text] };
      const view = reloaderView([matched('plain'), hostile, matched('last')]);
      expectClean(await renderMetrics(reportView([view])));
    }
  });

  it('are looked at wherever a rule would take something out', () => {
    for (const text of texts) if (redactForms(text) !== text) expect(hasSecretForm(text)).toBe(true);
  });

  it('stay as they are where there is nothing to remove', () => {
    for (const text of [
      'пример 证书 naïve 👍',
      'tab\tand\nline',
      '/etc/letsencrypt/live/www.example.test/fullchain.pem',
    ]) {
      expect(safeText(text)).toBe(text);
      expect(JSON.parse(toJson([text]))).toEqual([text]);
    }
  });
});

it('fingerprints and serial numbers are not suspected: texts of 10,000 certificates would be searched in full', () => {
  const octets = Array.from({ length: 256 }, (_, octet) => octet.toString(16).padStart(2, '0').toUpperCase());
  for (const octet of octets) {
    expect(hasSecretForm(octets.flatMap((other) => [other, octet, octet]).join(':'))).toBe(false);
    expect(hasSecretForm(`0${octet}${octet}ACCA${octet}${octet}`)).toBe(false);
  }
});

it('a known secret is removed from a certificate even where it is one of our own words', () => {
  rememberSecret('unreachable');
  const served = { ...certificate().served!, verdict: 'unreachable' as const };
  expect(certificateJson(certificate({ served }))).toBe(toJson(certificate({ served })));
  expect(certificateJson(certificate({ served }))).not.toContain('unreachable');
});
