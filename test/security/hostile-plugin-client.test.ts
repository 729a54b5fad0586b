import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { join } from 'node:path';
import { encode } from '@msgpack/msgpack';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { plugin } from '../../src/app/plugin';
import { PLUGIN_NAME } from '../../src/common/product';
import { createServer } from '../../src/plugin-server';
import { eventually } from '../support/eventually';
import { testFolder } from '../support/folders';
import { expectAlive, listening, PluginClient, request } from '../support/plugin-client';

const close = (listener: Server) => new Promise((resolve) => listener.close(resolve));

describe('a client that sends nonsense or goes away loses its connection, nothing else happens:', () => {
  test.for<[string, Uint8Array]>([
    ['a byte that MessagePack does not know', Uint8Array.of(0xc1)],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nhost: kong\r\n\r\n')],
    ['a text of four gigabytes', Uint8Array.of(0xdb, 0xff, 0xff, 0xff, 0xff)],
    ['a list of four billion items', Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['endlessly nested lists', Buffer.alloc(300_000, Buffer.from('dc0020', 'hex'))],
    ['a list of ten thousand', Buffer.from('dc2710', 'hex')],
    ['a request without end', Buffer.concat([Buffer.from('940001', 'hex'), Buffer.alloc(600_000, 0x81)])],
    ['a number', encode(5)],
    ['an empty list', encode([])],
    ['an answer', encode([1, 1, null, 'x'])],
    ['a notification', encode([2, 'plugin.GetStatus', []])],
    ['a request without a method', encode([0, 1])],
    ['a request whose method is a number', encode([0, 1, 7, []])],
    ...['GetStatus', 'Nothing'].map((method): [string, Uint8Array] => [
      `a request for ${method} whose number is a list in a list in a list`,
      Buffer.concat([
        Buffer.from('9400', 'hex'),
        Buffer.alloc(5_000, 0x91),
        Buffer.from('01', 'hex'),
        encode(`plugin.${method}`),
        Buffer.from('90', 'hex'),
      ]),
    ]),
  ])('%s', async ([, bytes]) => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    client.socket.write(bytes);
    await eventually('the connection is closed', () => client.isClosed);
    await expectAlive(path);
  });

  it('nothing', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    client.socket.end();
    await eventually('the connection is closed', () => client.isClosed);
    await expectAlive(path);
  });

  it('half a request', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    client.socket.end(request(1, 'plugin.GetStatus').subarray(0, 6));
    await eventually('the connection is closed', () => client.isClosed);
    await expectAlive(path);
  });

  it('a thousand requests whose answers it does not wait for', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    const bytes = request(1, 'plugin.GetPluginInfo', PLUGIN_NAME);
    client.socket.write(Buffer.concat(Array.from({ length: 1000 }, () => bytes)));
    client.socket.destroy();
    await expectAlive(path);
  });

  it('requests without end whose answers it never reads', async () => {
    const { path } = await listening(undefined, { GetStatus: () => Promise.resolve('x'.repeat(10_000)) });
    const client = await PluginClient.open(path);
    client.socket.pause();
    const bytes = Buffer.concat(Array.from({ length: 500 }, () => request(1, 'plugin.GetStatus')));
    // The server would keep a hundred times what the client sends.
    for (let sent = 0; sent < 50 && !client.isClosed; sent++)
      await new Promise<void>((resolve) => client.socket.write(bytes, () => resolve()));
    await eventually('the connection is closed', () => client.isClosed);
    const other = await PluginClient.open(path);
    expect((await other.ask(2, 'plugin.GetStatus'))[2]).toBeNull();
  });

  it('a request whose answer comes when it is gone', async () => {
    let finish: (value: unknown) => void = () => undefined;
    const answer = new Promise((resolve) => (finish = resolve));
    const { path, lines } = await listening(undefined, { GetStatus: () => answer });
    const client = await PluginClient.open(path);
    client.socket.write(request(1, 'plugin.GetStatus'));
    await new Promise<void>((resolve) => client.socket.end(resolve));
    finish({});
    const other = await PluginClient.open(path);
    expect(await other.ask(2, 'plugin.GetStatus')).toEqual([1, 2, null, {}]);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });

  it('a request whose arguments are not a list counts as one without arguments', async () => {
    const { path } = await listening();
    const client = await PluginClient.open(path);
    client.socket.write(encode([0, 1, 'plugin.GetStatus', 'x']));
    expect((await client.answer(1))[2]).toBeNull();
  });
});

it('instances and events without end take no room', async () => {
  const silent = () => undefined;
  const server = createServer(plugin, { debug: silent, info: silent, warn: silent, error: silent });
  onTestFinished(() => server.close());
  const { path } = await listening(undefined, server);
  const client = await PluginClient.open(path);
  const Config = JSON.stringify({ interval: 300 });
  const answers = [];
  for (let id = 0; id < 200; id++)
    answers.push(await client.ask(id, 'plugin.StartInstance', { Name: PLUGIN_NAME, Config }));
  const [, , , first] = answers[0] as [1, number, null, { Id: number }];
  for (let id = 200; id < 400; id++)
    await client.ask(id, 'plugin.HandleEvent', { InstanceId: first.Id, EventName: 'access' });
  expect(server.instances.size).toBeLessThan(100);
  expect(server.events.size).toBe(0);
});

describe('the socket', () => {
  it('appears complete, for its user and group only, with nothing beside it', async () => {
    const folder = testFolder();
    const { path } = await listening(join(folder, 'plugin.socket'));
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(readdirSync(folder)).toEqual(['plugin.socket']);
    await expectAlive(path);
  });

  it('replaces what a process that was killed left behind', async () => {
    const path = join(testFolder(), 'plugin.socket');
    writeFileSync(path, '');
    writeFileSync(`${path}.${process.pid}`, '');
    await listening(path);
    await expectAlive(path);
  });

  it('of a second server replaces the one of the first, which cannot take it away when it ends', async () => {
    const path = join(testFolder(), 'plugin.socket');
    const first = await listening(path, { GetStatus: () => Promise.resolve('first') });
    const kept = await PluginClient.open(path);
    await listening(path, { GetStatus: () => Promise.resolve('second') });
    expect(await kept.ask(1, 'plugin.GetStatus')).toEqual([1, 1, null, 'first']);
    kept.socket.destroy();
    await close(first.listener);
    expect(existsSync(path)).toBe(true);
    const client = await PluginClient.open(path);
    expect(await client.ask(2, 'plugin.GetStatus')).toEqual([1, 2, null, 'second']);
  });

  it('in a folder that does not exist is an error for whoever starts the server', async () => {
    await expect(listening(join(testFolder(), 'missing', 'plugin.socket'))).rejects.toThrow(/plugin\.socket/);
  });
});
