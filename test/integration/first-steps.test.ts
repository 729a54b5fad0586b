import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, symlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Command } from '../support/cli';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { servedLeaf } from '../support/tls';

/** `npm start` in a fresh clone where a Kong may listen on the usual ports. */
async function started() {
  const folder = testFolder();
  copyFileSync('kong.yml', join(folder, 'kong.yml'));
  symlinkSync(resolve('dist'), join(folder, 'dist'));
  for (const port of [8443, 8001, 8110]) {
    const server = createServer();
    server.on('error', () => undefined);
    server.listen(port, '127.0.0.1');
    onTestFinished(() => void server.close());
  }
  const env = { PATH: '/usr/bin:/bin' };
  const child = spawn(process.execPath, [resolve('build/demo.cjs'), '--interactive'], { cwd: folder, env });
  onTestFinished(() => void child.kill('SIGKILL'));
  const command = new Command(child);
  const shows = (what: string | RegExp) =>
    eventually(`it says ${String(what)}`, () => command.stdout.match(what) !== null);
  await shows('first pass done');
  /** Types what it says, as it is printed. */
  const type = (start: string) => {
    const [line = ''] = new RegExp(`^  ${start}(.*\\\\\n)*.*$`, 'm').exec(command.stdout) ?? [];
    return execFileSync('/bin/sh', ['-ec', line], { cwd: folder, stdio: 'pipe', encoding: 'utf8' });
  };
  return { command, type, shows, folder };
}

it.skipIf(!existsSync('/usr/bin/openssl'))(
  'the first steps are those that npm start prints (needs openssl)',
  async () => {
    const { command, type, shows } = await started();
    const [, tls = '0'] = /TLS on 127\.0\.0\.1:(\d+)/.exec(command.stdout) ?? [];
    const [page = ''] = /http:\/\/127\.0\.0\.1:\d+/.exec(command.stdout) ?? [];
    expect([tls, page]).not.toEqual(['8443', 'http://127.0.0.1:8110']);
    expect(await (await fetch(page)).text()).toContain('<html');
    type('openssl req');
    await shows('certificate created  certs/shop.crt');
    const first = await servedLeaf(Number(tls), 'shop.example.test');
    expect(type('openssl s_client')).toContain('shop.example.test');
    expect(type('dist/ssl-cert-reloader.cjs status')).toContain('shop.example.test');
    type('cp ');
    await shows('bundle refused; the last good certificate keeps serving');
    type('openssl req');
    await shows('certificate swapped  certs/shop.crt');
    expect(await servedLeaf(Number(tls), 'shop.example.test')).not.toBe(first);
    command.child.kill('SIGINT');
    await once(command.child, 'exit');
    expect(command.stdout).toContain('created 2, swapped 1, refused 1; certs stays as it is');
    expect(command.child.exitCode).toBe(0);
  },
);
