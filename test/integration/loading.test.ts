import { execFileSync, spawn } from 'node:child_process';
import { connect } from 'node:net';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { dump } from 'js-yaml';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startGateway } from '../gateway';
import { issue } from '../support/bundles';
import { eventually } from '../support/eventually';
import { testFolder, writePair } from '../support/folders';
import { PluginClient } from '../support/plugin-client';
import { leafOf, servedLeaf } from '../support/tls';

const PATH = `${dirname(process.execPath)}:/usr/bin:/bin`;
const DEDICATED = resolve('dist/ssl-cert-reloader.cjs');
const STANDARD = `${process.execPath} ${resolve('node_modules/.bin/kong-js-pluginserver')} -d ${resolve('dist/plugins')}`;

/** Runs a query command like Kong: through the shell, without an environment. */
const query = (command: string) =>
  execFileSync('/bin/sh', ['-c', command], { env: {}, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** The result of one of Kong's calls. */
async function call(socket: string, method: string, ...args: unknown[]): Promise<unknown> {
  const client = await PluginClient.open(socket);
  const [, , error, result] = await client.ask(1, method, ...args);
  expect(error).toBeNull();
  return result;
}

it('is a text that V8 keeps with one octet a character', () => {
  expect(readFileSync(DEDICATED, 'utf8')).toHaveLength(readFileSync(DEDICATED).length);
});

describe("the launcher's answer to Kong's query command", () => {
  it('is what the program says', () => {
    const named = join(testFolder(), 'query_ssl-cert-reloader');
    symlinkSync(DEDICATED, named);
    const answer: unknown = JSON.parse(query(`${process.execPath} ${DEDICATED} -dump`));
    for (const command of [`${DEDICATED} -dump`, `${DEDICATED} --dump-all-plugins`, named])
      expect(JSON.parse(query(`env PATH=${PATH} ${command}`))).toEqual(answer);
  });

  it('is not given where the server could not start', () => {
    const folder = testFolder();
    const old = '#!/bin/sh\ncase $1 in -v) echo v18.20.4;; *) echo too old >&2; exit 1;; esac\n';
    expect(() => query(`env PATH=${folder} ${DEDICATED} -dump`)).toThrow('node is not on');
    writeFileSync(join(folder, 'node'), old, { mode: 0o755 });
    expect(() => query(`env PATH=${folder}:/bin ${DEDICATED} -dump`)).toThrow('too old');
  });
});

describe.each([
  {
    name: 'the dedicated one-file server',
    queryCommand: `env PATH=${PATH} ${DEDICATED} -dump`,
    start: (prefix: string) => `env PATH=${PATH} ${DEDICATED} -p ${prefix}`,
    socket: 'ssl-cert-reloader.socket',
  },
  {
    name: "kong-pdk's own server",
    queryCommand: `${STANDARD} --dump-all-plugins`,
    start: (prefix: string) => `${STANDARD} -p ${prefix}`,
    socket: 'js_pluginserver.sock',
  },
])('$name', ({ queryCommand, start, socket }) => {
  it('prints its dump, and nothing else, and ends', () => {
    const [info] = JSON.parse(query(queryCommand)) as Record<string, unknown>[];
    expect(info).toMatchObject({
      Name: 'ssl-cert-reloader',
      Phases: [],
      Schema: { name: 'ssl-cert-reloader' },
    });
  });

  it("answers Kong's calls on its socket and swaps certificates beside that", async () => {
    const certs = testFolder();
    const prefix = join(testFolder(), 'prefix');
    mkdirSync(prefix);
    const pair = issue();
    writePair(certs, 'www', pair);
    const plugins = [
      { name: 'ssl-cert-reloader', config: { sources: [{ type: 'directory', path: certs }] } },
    ];
    const gateway = await startGateway({
      mode: 'dbless',
      prefix,
      declarativeConfig: dump({ _format_version: '3.0', plugins }),
      pluginServers: [
        {
          name: 'ssl-cert-reloader',
          queryCommand,
          startCommand: start(prefix),
          socket: join(prefix, socket),
        },
      ],
    });
    onTestFinished(() => gateway.stop());
    await eventually(
      'it is served',
      async () => (await servedLeaf(gateway.tlsPort, 'www.example.test')) === leafOf(pair.cert),
    );
    const info = await call(join(prefix, socket), 'plugin.GetPluginInfo', 'ssl-cert-reloader');
    expect(info).toMatchObject({ Name: 'ssl-cert-reloader' });
    const instance = await call(join(prefix, socket), 'plugin.StartInstance', {
      Name: 'ssl-cert-reloader',
      Config: '{"interval":300}',
    });
    expect(instance).toMatchObject({ Name: 'ssl-cert-reloader', Config: { interval: 300 } });
  });
});

it('the dedicated server outlives nonsense, clients that go away and the loss of its output', async () => {
  const prefix = testFolder();
  const server = spawn(DEDICATED, ['-p', prefix], { env: { PATH }, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void server.kill('SIGKILL'));
  const socket = join(prefix, 'ssl-cert-reloader.socket');
  await eventually('it listens', () => existsSync(socket));
  server.stdout.destroy();
  server.stderr.destroy();
  for (const bytes of [[0xc1], [0x94, 0x00], [0xdd, 0xff, 0xff, 0xff, 0xff], [0x01, 0x02, 0x03]]) {
    await new Promise<void>((done) => {
      const client = connect(socket, () => {
        client.write(Buffer.from(bytes));
        client.destroy();
        done();
      });
      client.on('error', () => undefined);
    });
  }
  expect(await call(socket, 'plugin.GetPluginInfo', 'ssl-cert-reloader')).toMatchObject({ Phases: [] });
  expect(server.exitCode).toBeNull();
});
