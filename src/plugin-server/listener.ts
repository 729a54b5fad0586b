import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { decodeMultiStream, encode } from '@msgpack/msgpack';
import { listenOnPath } from '../common/unix-socket';
import type { PluginServerLog } from './server';

/** Methods that Kong calls (kong/runloop/plugin_servers/rpc/mp_rpc.lua); no others of the server can be called. */
const METHODS = new Set([
  'GetStatus',
  'GetPluginInfo',
  'StartInstance',
  'InstanceStatus',
  'CloseInstance',
  'HandleEvent',
  'Step',
  'StepError',
  'StepMultiMap',
  'StepCredential',
  'StepConsumer',
  'StepRoute',
  'StepService',
  'StepMemoryStats',
]);

/** Larger than any call of Kong's that concerns a plugin without phases. */
const MAX_MESSAGE_BYTES = 256 * 1024;
/** Most octets of answers that a client has not read. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;
const MAX_CLIENTS = 512;

/** Longer values are not from Kong. A list takes eight octets an item as soon as its length is read. */
const LIMITS = {
  context: undefined,
  maxStrLength: MAX_MESSAGE_BYTES,
  maxBinLength: MAX_MESSAGE_BYTES,
  maxArrayLength: 32,
};

/**
 * Serves a kong-pdk server on a unix socket: MessagePack requests `[0, id, "plugin.Method", args]`, answers `[1,
 * id, error, result]`. A client that sends something else or leaves loses its connection, without further effect.
 */
export async function listen(server: object, path: string, log: PluginServerLog): Promise<NetServer> {
  const listener = createServer((client) => {
    client.on('error', (error) => log.debug(`plugin server: a client went away: ${error.message}`));
    void serve(server, client, log);
  });
  listener.maxConnections = MAX_CLIENTS;
  await listenOnPath(listener, path);
  listener.on('error', (error) => log.error(`plugin server: ${error.message}`));
  return listener;
}

async function serve(server: object, client: Socket, log: PluginServerLog): Promise<void> {
  let open = 0;
  async function* octets(): AsyncGenerator<Buffer> {
    for await (const octets of client as AsyncIterable<Buffer>) {
      open += octets.length;
      if (open > MAX_MESSAGE_BYTES) throw new Error(`it has more than ${MAX_MESSAGE_BYTES} bytes`);
      yield octets;
    }
  }
  try {
    for await (const message of decodeMultiStream(octets(), LIMITS)) {
      open = 0;
      void answer(server, client, message, log);
    }
  } catch (error) {
    log.warn(`plugin server: a client sent something that is not a request: ${(error as Error).message}`);
    client.destroy();
  }
}

async function answer(server: object, client: Socket, message: unknown, log: PluginServerLog): Promise<void> {
  const reply = (id: number, error: string | null, result: unknown) => {
    if (client.destroyed) return;
    client.write(encode([1, id, error, result], { ignoreUndefined: true }));
    if (client.writableLength > MAX_UNREAD_BYTES) client.destroy();
  };
  const isRequest = Array.isArray(message) && message[0] === 0 && typeof message[2] === 'string';
  // Kong sends a number that it counts up; anything else could not even be sent back.
  if (!isRequest || typeof message[1] !== 'number') {
    client.destroy();
    return;
  }
  const [, id, method, args] = message as [0, number, string, unknown];
  const [, name = ''] = /^plugin\.(\w+)$/.exec(method) ?? [];
  if (!METHODS.has(name)) {
    reply(id, `method ${method} not implemented`, null);
    return;
  }
  try {
    const call = (server as Record<string, (...args: unknown[]) => Promise<unknown>>)[name];
    reply(id, null, await call?.apply(server, Array.isArray(args) ? args : []));
  } catch (error) {
    log.warn(`plugin server: ${method} failed: ${(error as Error).message}`);
    reply(id, (error as Error).message, null);
  }
}
