import { networkInterfaces } from 'node:os';
import { describe, expect, it, test } from 'vitest';
import { parseAddress } from '../../../src/http';
import { parseProxy } from '../../../src/http/proxy';

const rules = { allowHttpBy: 'allow_http' };
const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4')?.address;

function problemOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('it was taken');
}

describe('an address', () => {
  test.for([
    'https://kong.example:8444',
    'HTTPS://kong.example',
    'http://127.0.0.1:8001',
    'http://127.1:8001',
    'http://[::1]:8001',
    'http://localhost:8001/admin',
    ...(own === undefined ? [] : [`http://${own}:8001`]),
  ])('%s is taken without further ado', (text) => {
    expect(parseAddress(text, rules).shown).toMatch(/^https?:/);
  });

  test.for([
    'http://kong.example:8001',
    'http://10.1.2.3:8001',
    'http://localhost.example:8001',
    'http://127.0.0.1.example:8001',
    'http://[2001:db8::1]:8001',
    'HTTP://kong.example',
    'http://user:password@kong.example',
  ])('%s needs the word of the operator', (text) => {
    const problem = problemOf(() => parseAddress(text, rules));
    expect(problem).toContain('use https, or set allow_http');
    expect(problem).not.toContain('password');
    expect(parseAddress(text, { ...rules, allowHttp: true }).isPlain).toBe(true);
  });

  test.for([
    '',
    'kong',
    'kong:8001',
    'ftp://kong',
    'file:///etc/passwd',
    'http://',
    'http://[',
    'unix:/a',
    'javascript:0',
  ])('%s is none, and is not quoted', (text) => {
    const problem = problemOf(() => parseAddress(text, { ...rules, allowHttp: true }));
    expect(problem).toContain('expected https://host/path');
    if (text.length > 5) expect(problem).not.toContain(text);
  });

  it('of a unix socket is taken where it makes sense', () => {
    const address = parseAddress('unix:/run/kong.sock', { ...rules, unix: true });
    expect(address).toMatchObject({ socketPath: '/run/kong.sock', shown: 'unix:/run/kong.sock' });
  });

  it('shows neither user, password nor query', () => {
    const address = parseAddress('https://us%20er:pass%20word@kong.example/a?token=1#b', rules);
    expect(address.shown).toBe('https://kong.example/a?…');
    expect(address.url.href).toBe('https://kong.example/a?token=1');
    expect(address.login).toEqual({ username: 'us er', password: 'pass word' });
  });
});

describe('a proxy', () => {
  const target = parseAddress('https://vault.example:8200', rules);
  const parse = (text: string, to = target) => parseProxy(text, to);

  test.for([
    'http://proxy.example:3128',
    'https://user:password@proxy.example',
    'http://user:password@127.0.0.1:3128',
  ])('%s is taken', (text) => {
    expect(parse(text).shown).not.toContain('password');
  });

  test.for([
    ['http://user:password@proxy.example:3128', 'unencrypted'],
    ['socks5://proxy.example', 'expected'],
    ['http://proxy.example/path', 'expected http://host:port'],
    ['nothing', 'valid URL'],
  ] as const)('%s is refused: %s', ([text, why]) => {
    const problem = problemOf(() => parse(text));
    expect(problem).toContain(why);
    expect(problem).not.toContain('password@');
  });

  it('with a password may be plain where the operator allows that', () => {
    const allowed = parseAddress('https://vault.example', { ...rules, allowHttp: true });
    expect(parse('http://user:password@proxy.example', allowed).login).not.toBeNull();
  });

  it('does not lead back to this machine', () => {
    const here = parseAddress('http://127.0.0.1:8200', rules);
    expect(problemOf(() => parse('http://proxy.example', here))).toContain('leave it out');
  });
});
