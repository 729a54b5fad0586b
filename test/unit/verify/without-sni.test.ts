import { expect, it, test } from 'vitest';
import type { KeyType } from '../../../src/model';
import { servedWithoutSni } from '../../../src/verify';
import { derOf, issue } from '../../support/bundles';
import { closedPort, tcpServer, tlsServer, type Listening } from '../../support/tls-server';

const issued = issue();
const serving = () => tlsServer(() => issued);
const ask = (listeners: readonly Listening[], keyType?: KeyType) =>
  servedWithoutSni(listeners, keyType, 4, () => false);

it('a client without SNI gets the default certificate with its chain', async () => {
  const served = await ask([await serving()]);
  expect(served?.map((der) => der.toString('base64'))[0]).toBe(derOf(issued.cert).toString('base64'));
  expect(served).toHaveLength(2);
});

it('as many workers are asked as are wanted', async () => {
  const { host, port } = await serving();
  let looks = 0;
  await servedWithoutSni([{ host, port }], undefined, 4, () => ++looks < 3);
  expect(looks).toBe(3);
});

it('a client for which the server has no certificate gets none', async () => {
  expect(await ask([await serving()], 'rsa')).toEqual([]);
});

test.for<[string, () => Promise<Listening>]>([
  ['does not listen', closedPort],
  ['ends the connection', () => tcpServer((socket) => socket.destroy())],
  ['resets the connection', () => tcpServer((socket) => socket.resetAndDestroy())],
])('a listener that %s says nothing, and the next one is asked', async ([, start]) => {
  const listener = await start();
  expect(await ask([listener])).toBeNull();
  expect(await ask([listener, await serving()])).toHaveLength(2);
});
