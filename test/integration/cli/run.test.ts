import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startGateway, type GatewayOptions } from '../../gateway';
import { issue } from '../../support/bundles';
import { cli, Command, EXECUTABLE, ENVIRONMENT, start } from '../../support/cli';
import { eventually } from '../../support/eventually';
import { testFolder, writePair } from '../../support/folders';
import { PluginClient } from '../../support/plugin-client';
import { leafOf, servedLeaf } from '../../support/tls';

const WWW = 'www.example.test';
const days = (count: number) => new Date(Date.now() + count * 86_400_000);
const old = issue({ notBefore: days(-60), notAfter: days(30) });
const fresh = issue({ notBefore: days(-1) });

/** Kong's prefix, and a folder with a renewed certificate. */
function places() {
  const prefix = join(testFolder(), 'prefix');
  mkdirSync(prefix);
  const certs = testFolder();
  writePair(certs, 'www', fresh);
  return { prefix, certs };
}

async function kong(options: GatewayOptions) {
  const gateway = await startGateway({ mode: 'database', ...options });
  onTestFinished(() => gateway.stop());
  gateway.seed([{ cert: old.chain, key: old.key, snis: [WWW] }]);
  return gateway;
}

function configFile(text: string): string {
  const path = join(testFolder(), 'reloader.yml');
  writeFileSync(path, text);
  return path;
}

const source = (path: string) => `sources: [{type: directory, path: ${path}}]\n`;

const isServed = (tlsPort: number, cert: string) =>
  eventually('it is served', async () => (await servedLeaf(tlsPort, WWW)) === leafOf(cert));

const said = (command: Command, what: string) =>
  eventually(`it says: ${what}`, () => command.stderr.includes(what));

async function stop(command: Command): Promise<void> {
  command.child.kill('SIGTERM');
  expect(await command.ended).toMatchObject({ code: 0, stdout: '' });
}

describe('a sidecar', () => {
  it("is the plugin server of a Kong that starts none: it follows the plugin's entry and answers Kong's calls", async () => {
    const { prefix, certs } = places();
    // Kong needs neither Node nor the plugin beside it: a file with the dump answers its query.
    const dump = join(prefix, 'ssl-cert-reloader.json');
    writeFileSync(dump, execFileSync(EXECUTABLE, ['-dump'], { env: ENVIRONMENT }));
    const socket = join(prefix, 'ssl-cert-reloader.socket');
    const sidecar = start(['run', '--serve-plugin', '-p', prefix]);
    await eventually('it listens before there is a Kong', () => existsSync(socket));
    const gateway = await kong({
      prefix,
      pluginServers: [{ name: 'ssl-cert-reloader', queryCommand: `cat ${dump}` }],
    });
    const response = await fetch(`${gateway.adminUrl}/plugins`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        name: 'ssl-cert-reloader',
        config: { sources: [{ type: 'directory', path: certs }] },
      }),
    });
    expect(response.status).toBe(201);
    await isServed(gateway.tlsPort, fresh.cert);
    const client = await PluginClient.open(socket);
    const answer = await client.ask(1, 'plugin.GetPluginInfo', 'ssl-cert-reloader');
    expect(answer).toMatchObject([1, 1, null, { Phases: [] }]);
    await stop(sidecar);
    expect(existsSync(socket)).toBe(false);
  });

  it.for([
    ['in a folder that does not exist', (folder: string) => join(folder, 'nowhere', 'x.socket'), 'ENOENT'],
    ['that is a folder', (folder: string) => folder, 'EISDIR'],
  ] as const)('with a socket %s ends with 1 and a sentence', async ([, pathIn, code]) => {
    const path = pathIn(testFolder());
    const { code: exit, stderr } = await start(['run', '--socket', path, '-p', testFolder()]).ended;
    expect(exit).toBe(1);
    expect(stderr).toContain(`cannot listen on ${path} (${code})`);
  });

  it('takes over the socket that a dead one left behind', async () => {
    const { prefix } = places();
    const socket = join(prefix, 'other.socket');
    const dead = start(['run', '--socket', socket, '-p', prefix]);
    await eventually('it listens', () => existsSync(socket));
    dead.child.kill('SIGKILL');
    await dead.ended;
    const next = start(['run', '--socket', socket, '-p', prefix]);
    await eventually('it answers', async () => {
      const client = await PluginClient.open(socket);
      return (await client.ask(1, 'plugin.GetPluginInfo', 'ssl-cert-reloader'))[3];
    });
    await stop(next);
  });
});

it('has its sockets again after an older Kong swept its prefix at its start', async () => {
  const { prefix, certs } = places();
  const sockets = ['ssl-cert-reloader.socket', 'ssl-cert-reloader-status.socket'].map((name) =>
    join(prefix, name),
  );
  const daemon = start(['run', '--serve-plugin', '-c', configFile(source(certs)), '-p', prefix]);
  await eventually('they are there', () => sockets.every((path) => existsSync(path)));
  for (const path of sockets) rmSync(path);
  await kong({ prefix });
  await eventually('they are there again', () => sockets.every((path) => existsSync(path)));
  expect(await start(['status', '-p', prefix]).ended).toMatchObject({ stderr: '' });
  await stop(daemon);
});

describe('a prefix where one works already', () => {
  const first = async (...args: string[]) => {
    const { prefix, certs } = places();
    const daemon = start(['run', '-c', configFile(source(certs)), '-p', prefix, ...args]);
    await said(daemon, 'waiting for Kong');
    return { prefix, daemon, certs };
  };

  it.for([
    ['run', (prefix: string) => ['run', '-p', prefix]],
    ['a plugin server that no Kong started', (prefix: string) => ['-p', prefix]],
  ] as const)('%s says who does, and ends', async ([, args]) => {
    const { prefix, daemon } = await first('--serve-plugin');
    const { code, stderr } = await start(args(prefix)).ended;
    expect(code).toBe(1);
    expect(stderr).toContain(
      `another ssl-cert-reloader (process ${daemon.child.pid}) works for the Kong of ${prefix}`,
    );
    const client = await PluginClient.open(join(prefix, 'ssl-cert-reloader.socket'));
    expect((await client.ask(1, 'plugin.GetStatus'))[2]).toBeNull();
    expect(await start(['status', '-p', prefix]).ended).toMatchObject({ stderr: '' });
    await stop(daemon);
  });

  it('the successor at a reload of Kong takes over once the first one has left, which it does at once', async () => {
    const { prefix } = places();
    const old = worker(prefix);
    const holder = () =>
      new Promise<string>((done, fail) => {
        connect(join(prefix, 'ssl-cert-reloader.lock'))
          .on('data', (pid) => done(String(pid)))
          .on('error', fail);
      });
    const before = await eventually('the first one works', holder);
    const next = worker(prefix);
    await eventually('it is started', () => next.stderr.includes('started'));
    expect(await holder()).toBe(before);
    old.child.kill('SIGUSR2');
    const after = await eventually('the other one works', async () => {
      const pid = await holder();
      return pid !== before && pid;
    });
    expect(after).not.toBe(before);
    // Kong ends it with the worker, and writes an error where it is gone by then.
    expect(old.stdout).not.toContain('ended');
  });
});

/** A process like a worker of nginx with a plugin server; SIGUSR2 has it drain its connections. */
function worker(prefix: string): Command {
  const program = `
    process.title = 'nginx: worker process';
    process.on('SIGUSR2', () => (process.title = 'nginx: worker process is shutting down'));
    const child = require('node:child_process').spawn(${JSON.stringify(EXECUTABLE)}, ['-p', ${JSON.stringify(prefix)}], { stdio: 'ignore' });
    child.on('exit', (code) => console.log('ended with ' + code));
    process.on('exit', () => child.kill('SIGKILL'));
    process.on('SIGTERM', () => process.exit());
    console.error('started');`;
  const child = spawn(process.execPath, ['-e', program, 'x'.repeat(100)], {
    env: ENVIRONMENT,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGTERM'));
  return new Command(child);
}

describe('a daemon with a file', () => {
  it.for(['database', 'dbless'] as const)('waits for Kong and swaps what was renewed (%s)', async (mode) => {
    const { prefix, certs } = places();
    const daemon = start(['run', '-c', configFile(source(certs)), '-p', prefix]);
    await said(daemon, 'waiting for Kong');
    const gateway = await kong({ mode, prefix });
    await isServed(gateway.tlsPort, fresh.cert);
    const newer = issue();
    writePair(certs, 'www', newer);
    await isServed(gateway.tlsPort, newer.cert);
    await stop(daemon);
  });

  it('reads it again at SIGHUP, and keeps what it had where the file is broken', async () => {
    const { prefix, certs } = places();
    const gateway = await kong({ prefix });
    const file = configFile(source(testFolder()));
    const daemon = start(['run', '-c', file, '-p', prefix]);
    await said(daemon, 'first pass done');
    writeFileSync(file, 'admin: { tokn: open-sesame }\n');
    daemon.child.kill('SIGHUP');
    await said(daemon, 'admin.tokn: unknown field; did you mean token?');
    expect(daemon.stderr).toContain('the previous configuration stays');
    expect(daemon.stderr).not.toContain('open-sesame');
    writeFileSync(file, source(certs));
    daemon.child.kill('SIGHUP');
    await isServed(gateway.tlsPort, fresh.cert);
    await stop(daemon);
  });

  it('says by an exit code and in the status whether it reads it again, and goes on', async () => {
    const { prefix, certs } = places();
    const gateway = await kong({ prefix });
    const file = configFile(source(testFolder()));
    const daemon = start(['run', '-c', file, '-p', prefix]);
    await said(daemon, 'first pass done');
    const wrong: readonly (readonly [text: string, said: RegExp])[] = [
      ['intervall: 5\n', /intervall: unknown field; did you mean interval\?/],
      [source('/certs').replace('directory', 'vault'), /sources\[0\]/],
    ];
    for (const [text, words] of wrong) {
      writeFileSync(file, text);
      const { code, stderr } = await cli('reload', '-p', prefix);
      expect([code, stderr]).toEqual([1, expect.stringMatching(words)]);
      const shown = await cli('status', '-p', prefix);
      expect(shown.code).toBe(2);
      expect(shown.stdout).toMatch(/the new configuration is not used: .*reloader\.yml/);
    }
    writeFileSync(file, source(certs));
    expect(await cli('reload', '-p', prefix)).toMatchObject({ code: 0, stderr: '' });
    await isServed(gateway.tlsPort, fresh.cert);
    await eventually('all is well', async () => (await cli('status', '-p', prefix)).code === 0);
    await stop(daemon);
  });

  it('runs every item of a list', async () => {
    const { prefix, certs } = places();
    const gateway = await kong({ prefix });
    const daemon = start([
      'run',
      '-c',
      configFile(`- ${source(testFolder())}- ${source(certs)}`),
      '-p',
      prefix,
    ]);
    await isServed(gateway.tlsPort, fresh.cert);
    await said(daemon, '"entry":"reloader.yml#1"');
    await said(daemon, '"entry":"reloader.yml#2"');
    await stop(daemon);
  });

  it('that is broken, or for two Kongs at once, ends with 1 at the start', async () => {
    for (const [text, sentence] of [
      ['interval: 0\n', 'interval: value should be between'],
      ['- admin: {url: "http://127.0.0.1:1"}\n- {}\n', 'run one process for each Kong'],
    ] as const) {
      const { code, stderr } = await start(['run', '-c', configFile(text)]).ended;
      expect(code).toBe(1);
      expect(stderr).toContain(sentence);
    }
  });
});

describe('on a control plane', () => {
  const controlPlane = { env: { role: 'control_plane', proxy_listen: 'off' } };

  it('a swap is made and said to be unproven', async () => {
    const { prefix, certs } = places();
    const gateway = await kong({ prefix, ...controlPlane });
    const daemon = start(['run', '-c', configFile(source(certs)), '-p', prefix]);
    await said(daemon, '"proof":"unreachable"');
    expect(await servedLeaf(gateway.tlsPort, WWW)).toBe(leafOf(fresh.cert));
    await stop(daemon);
  });

  it('a swap is proven by the listeners of its data planes where they are named', async () => {
    const { prefix, certs } = places();
    const gateway = await kong({ prefix, ...controlPlane });
    const listeners = `verify: {listeners: ["127.0.0.1:${gateway.tlsPort}"]}\n`;
    const daemon = start(['run', '-c', configFile(source(certs) + listeners), '-p', prefix]);
    await said(daemon, '"proof":"served"');
    await stop(daemon);
  });

  it('a swap that a data plane does not serve is taken back', async () => {
    const { prefix, certs } = places();
    const gateway = await kong({ prefix, ...controlPlane });
    gateway.freezeServing();
    const verify = `verify: {timeout: 1, listeners: ["127.0.0.1:${gateway.tlsPort}"]}\n`;
    const daemon = start(['run', '-c', configFile(source(certs) + verify), '-p', prefix]);
    await said(daemon, 'certificate rolled back');
    await stop(daemon);
  });
});
