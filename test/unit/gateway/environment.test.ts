import { spawn } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { findPrefix, parseListeners } from '../../../src/gateway';
import { eventually } from '../../support/eventually';
import { testFolder } from '../../support/folders';

describe('a listen directive', () => {
  const plain = { ssl: false, proxyProtocol: false };
  test.for<[string, object[]]>([
    ['off', []],
    ['', []],
    ['127.0.0.1:8001', [{ host: '127.0.0.1', port: 8001, ...plain }]],
    ['0.0.0.0:8000', [{ host: '127.0.0.1', port: 8000, ...plain }]],
    ['[::]:8000', [{ host: '::1', port: 8000, ...plain }]],
    ['[::1]:8001', [{ host: '::1', port: 8001, ...plain }]],
    ['[2001:db8::7]:8443 ssl', [{ host: '2001:db8::7', port: 8443, ssl: true, proxyProtocol: false }]],
    [
      'kong.internal:8444 http2 ssl',
      [{ host: 'kong.internal', port: 8444, ssl: true, proxyProtocol: false }],
    ],
    [
      '0.0.0.0:8443 http2 ssl reuseport backlog=16384',
      [{ host: '127.0.0.1', port: 8443, ssl: true, proxyProtocol: false }],
    ],
    ['0.0.0.0:8443 ssl proxy_protocol', [{ host: '127.0.0.1', port: 8443, ssl: true, proxyProtocol: true }]],
    ['unix:/run/kong/admin.sock', [{ host: '/run/kong/admin.sock', port: null, ...plain }]],
    [
      'unix:/run/kong/admin.sock ssl',
      [{ host: '/run/kong/admin.sock', port: null, ssl: true, proxyProtocol: false }],
    ],
    [
      '0.0.0.0:8000 reuseport backlog=16384, 0.0.0.0:8443 http2 ssl reuseport backlog=16384',
      [
        { host: '127.0.0.1', port: 8000, ...plain },
        { host: '127.0.0.1', port: 8443, ssl: true, proxyProtocol: false },
      ],
    ],
    [
      '  127.0.0.1:1 ,\t127.0.0.1:2  ',
      [
        { host: '127.0.0.1', port: 1, ...plain },
        { host: '127.0.0.1', port: 2, ...plain },
      ],
    ],
    ['nonsense', []],
    ['127.0.0.1:', []],
  ])('"%s" means %j', ([directive, listeners]) => {
    expect(parseListeners(directive)).toEqual(listeners);
  });

  it('that is missing means off', () => {
    expect(parseListeners(undefined)).toEqual([]);
  });
});

describe('the prefix of the Kong that started this process', () => {
  /** A process whose command line is that of nginx's master. */
  async function nginx(args: string[], cwd = '/'): Promise<number> {
    const folder = testFolder();
    symlinkSync('/bin/sleep', join(folder, 'nginx'));
    // sh -c 'sleep' "nginx" … keeps the words in its command line.
    const child = spawn('/bin/sh', ['-c', 'sleep 60 & wait', join(folder, 'nginx'), ...args], {
      cwd,
      stdio: 'ignore',
      detached: true,
    });
    onTestFinished(() => {
      if (child.pid !== undefined) process.kill(-child.pid);
    });
    return eventually('the process runs', () => child.pid);
  }

  it('is read from the command line of its master', async () => {
    expect(findPrefix(await nginx(['-p', '/opt/kong', '-c', 'nginx.conf']))).toBe('/opt/kong');
  });

  it('may be relative to where the master runs', async () => {
    const folder = testFolder();
    expect(findPrefix(await nginx(['-p', 'servroot', '-c', 'nginx.conf'], folder))).toBe(
      join(folder, 'servroot'),
    );
  });

  it('is the usual one where nobody says', () => {
    expect(findPrefix(1)).toBe('/usr/local/kong');
    expect(findPrefix(0)).toBe('/usr/local/kong');
    expect(findPrefix(2 ** 22 + 1)).toBe('/usr/local/kong');
  });
});
