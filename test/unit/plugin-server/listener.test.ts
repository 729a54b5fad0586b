import { describe, expect, it, test } from 'vitest';
import { plugin } from '../../../src/app/plugin';
import { FIELDS } from '../../../src/app/config';
import { PLUGIN_NAME, VERSION } from '../../../src/common/product';
import { toKongSchema } from '../../../src/config';
import { dump } from '../../../src/plugin-server';
import { listening, PluginClient, request } from '../../support/plugin-client';

describe("Kong's calls", () => {
  it('learn what the plugin is: its name, its schema, and that it has no phases', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const [, , error, info] = await client.ask(1, 'plugin.GetPluginInfo', PLUGIN_NAME);
    expect(error).toBeNull();
    expect(info).toEqual({
      Name: PLUGIN_NAME,
      Version: VERSION,
      Phases: [],
      Priority: 1,
      Schema: { name: PLUGIN_NAME, fields: [{ config: { type: 'record', fields: toKongSchema(FIELDS) } }] },
    });
  });

  it('learn the same from the query command', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const [, , , info] = await client.ask(1, 'plugin.GetPluginInfo', PLUGIN_NAME);
    expect(await dump(plugin)).toEqual([info]);
  });

  it('get the status of the server', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const answer = await client.ask(1, 'plugin.GetStatus');
    expect(answer).toMatchObject([
      1,
      1,
      null,
      { Pid: process.pid, Plugins: { [PLUGIN_NAME]: { Name: PLUGIN_NAME } } },
    ]);
  });

  it('start, look at and close an instance', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const config = { interval: 5 };
    const [, , error, started] = await client.ask(1, 'plugin.StartInstance', {
      Name: PLUGIN_NAME,
      Config: JSON.stringify(config),
    });
    expect(error).toBeNull();
    expect(started).toMatchObject({ Name: PLUGIN_NAME, Config: config });
    const { Id } = started as { Id: number };
    expect(await client.ask(2, 'plugin.InstanceStatus', Id)).toMatchObject([
      1,
      2,
      null,
      { Id, Config: config },
    ]);
    expect(await client.ask(3, 'plugin.CloseInstance', Id)).toMatchObject([1, 3, null, { Id }]);
    // Kong looks for these words to start the instance anew.
    expect((await client.ask(4, 'plugin.InstanceStatus', Id))[2]).toMatch(/^no plugin instance/);
    expect((await client.ask(5, 'plugin.HandleEvent', { InstanceId: Id, EventName: 'access' }))[2]).toMatch(
      /^no plugin instance/,
    );
  });

  test.for<[string, string, unknown[]]>([
    ['a plugin that is not here', 'plugin.GetPluginInfo', ['another']],
    ['no arguments', 'plugin.GetPluginInfo', []],
    ['no arguments to start with', 'plugin.StartInstance', []],
    ['a configuration that is no JSON', 'plugin.StartInstance', [{ Name: PLUGIN_NAME, Config: '{' }]],
    ['an event that nobody started', 'plugin.Step', [{ EventId: 7, Data: null }]],
  ])('with %s are answered with an error, and the connection goes on', async ([, method, args]) => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const [kind, id, error, result] = await client.ask(1, method, ...args);
    expect([kind, id, result]).toEqual([1, 1, null]);
    expect(error).toMatch(/./);
    expect((await client.ask(2, 'plugin.GetStatus'))[2]).toBeNull();
  });

  test.for([
    'plugin.Reboot',
    'plugin.SetPluginDir',
    'plugin.loadPlugins',
    'plugin.close',
    'plugin.constructor',
    'plugin.__proto__',
    'plugin.toString',
    'plugin.GetStatus.call',
    'other.GetStatus',
    'GetStatus',
    '',
  ])('of "%s" are answered as not implemented', async (method) => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    expect(await client.ask(1, method, '/tmp')).toEqual([1, 1, `method ${method} not implemented`, null]);
    expect((await client.ask(2, 'plugin.GetStatus'))[2]).toBeNull();
  });
});

describe('the way a request arrives', () => {
  it('may be byte by byte', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    client.socket.setNoDelay(true);
    for (const byte of request(1, 'plugin.GetPluginInfo', PLUGIN_NAME)) {
      await new Promise((resolve) => client.socket.write(Uint8Array.of(byte), resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await client.answer(1)).toMatchObject([1, 1, null, { Name: PLUGIN_NAME }]);
  });

  it('may be two in one piece, or one and a half', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const first = request(1, 'plugin.GetPluginInfo', PLUGIN_NAME);
    const second = request(2, 'plugin.GetStatus');
    client.socket.write(Buffer.concat([first, second, second.subarray(0, 5)]));
    await client.answer(1);
    await client.answer(2);
    client.answers.length = 0;
    client.socket.write(second.subarray(5));
    expect((await client.answer(2))[2]).toBeNull();
  });

  it('may be many at the same time, over many connections', async () => {
    const { path } = await listening();
    const clients = await Promise.all(Array.from({ length: 20 }, () => PluginClient.open(path)));
    const answers = await Promise.all(
      clients.flatMap((client) => [1, 2, 3].map((id) => client.ask(id, 'plugin.GetPluginInfo', PLUGIN_NAME))),
    );
    expect(answers.every(([, , error]) => error === null)).toBe(true);
  });

  it('may be large', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const Config = JSON.stringify({ trigger: 'x'.repeat(200_000) });
    expect((await client.ask(1, 'plugin.StartInstance', { Name: PLUGIN_NAME, Config }))[2]).toBeNull();
  });
});
