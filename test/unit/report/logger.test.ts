import { describe, expect, it, test } from 'vitest';
import { JsonLogger, redact, type Fields, type Level } from '../../../src/report';
import { issue, secretsIn } from '../../support/bundles';

const p256 = issue();
const rsa = issue({ key: 'rsa-2048' });
const sec1 = p256.privateKey.export({ type: 'sec1', format: 'pem' }).toString();
const pkcs1 = rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString();

function logged(least: Level | undefined, log: (logger: JsonLogger) => void): string[] {
  const lines: string[] = [];
  log(new JsonLogger((line) => lines.push(line), least));
  return lines;
}

const lineOf = (message: string, fields?: Fields) =>
  logged('debug', (logger) => logger.log('info', message, fields))[0] ?? '';

describe('a log line', () => {
  it('is one JSON object with time, level, message and fields', () => {
    const line = lineOf('certificate swapped', { bundle: 'www', snis: ['a.test'], not_after: null });
    expect(line.endsWith('\n')).toBe(true);
    const { time, ...rest } = JSON.parse(line) as Record<string, unknown>;
    expect(new Date(String(time)).toISOString()).toBe(time);
    expect(rest).toEqual({
      level: 'info',
      message: 'certificate swapped',
      bundle: 'www',
      snis: ['a.test'],
      not_after: null,
    });
  });

  it('stays one line, whatever is in it', () => {
    const line = lineOf('two\nlines', { error: 'a\r\nb\u2028c', stack: 'x\n  at y\n' });
    expect(line.trimEnd()).not.toMatch(/[\r\n]/);
    expect(JSON.parse(line)).toMatchObject({ message: 'two\nlines', stack: 'x\n  at y\n' });
  });

  test.for<[Level | undefined, Level[]]>([
    ['debug', ['debug', 'info', 'warn', 'error']],
    [undefined, ['info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ])('from level %s on is written', ([least, levels]) => {
    const lines = logged(least, (logger) => {
      for (const level of ['debug', 'info', 'warn', 'error'] as const) logger.log(level, 'x');
    });
    expect(lines.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(levels);
  });
});

describe('a private key', () => {
  const keys: [string, string][] = [
    ['PKCS#8', p256.key],
    ['SEC1', sec1],
    ['PKCS#1', pkcs1],
    ['a long PKCS#8', rsa.key],
    ['an encrypted one', rsa.key.replaceAll('PRIVATE', 'ENCRYPTED PRIVATE')],
    ['one of OpenSSH', rsa.key.replaceAll('PRIVATE', 'OPENSSH PRIVATE')],
  ];
  const expectNothingOf = (key: string, text: string) => {
    for (const secret of secretsIn(key)) expect(text).not.toContain(secret);
  };

  test.for(keys)('(%s) never leaves the process in a message or a field', ([, key]) => {
    const line = lineOf(`it failed: ${key}`, { error: key, detail: { list: [{ text: `x ${key} y` }] } });
    expectNothingOf(key, line);
    expect(line.match(/\[private key removed\]/g)).toHaveLength(3);
  });

  test.for(keys)('(%s) is removed from a text whose rest stays', ([, key]) => {
    expect(redact(`before ${key.trimEnd()} after`)).toBe('before [private key removed] after');
  });

  test.for(keys)('(%s) is removed where it is cut off at its end', ([, key]) => {
    for (const length of [key.length - 5, key.length - 40, 120, 70, 40]) {
      expectNothingOf(key, redact(`error: ${key.slice(0, length)}`));
    }
  });

  test.for(keys)('(%s) is removed where it is cut off at its beginning', ([, key]) => {
    for (const from of [5, 20, 40, key.length - 120]) {
      expectNothingOf(key.slice(from + 64), redact(`…${key.slice(from)} and so on`));
    }
  });

  it('is removed where it stands in a JSON text in a field', () => {
    const line = lineOf('x', { detail: JSON.stringify({ key: rsa.key }) });
    expectNothingOf(rsa.key, line);
  });

  it('is removed where the lines end as in Windows', () => {
    expectNothingOf(rsa.key, redact(rsa.key.replace(/\n/g, '\r\n')));
  });

  it('is removed as often as it is there, and certificates stay', () => {
    const text = `${p256.key}${p256.cert}${rsa.key}`;
    expect(redact(text)).toBe(`[private key removed]\n${p256.cert}[private key removed]\n`);
  });

  it('is nothing that a text without one could be taken for', () => {
    const text = 'the PRIVATE KEY of /certs/www.key cannot be read -----';
    expect(redact(text)).toBe(text);
  });
});
