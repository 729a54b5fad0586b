import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { decodeMultiStream, encode } from '@msgpack/msgpack';
import { expect, onTestFinished } from 'vitest';
import { plugin } from '../../src/app/plugin';
import { PLUGIN_NAME } from '../../src/common/product';
import { createServer, listen } from '../../src/plugin-server';
import { eventually } from './eventually';
import { testFolder } from './folders';

export type PluginAnswer = [1, unknown, string | null, unknown];

/** One of Kong's connections to the plugin server. */
export class PluginClient {
  readonly answers: PluginAnswer[] = [];
  isClosed = false;

  private constructor(readonly socket: Socket) {
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
    void this.collect();
  }

  static open(path: string): Promise<PluginClient> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => resolve(new PluginClient(socket)));
      onTestFinished(() => void socket.destroy());
    });
  }

  /** Sends a request and waits for its answer. */
  async ask(id: number, method: string, ...args: unknown[]): Promise<PluginAnswer> {
    this.socket.write(request(id, method, ...args));
    return this.answer(id);
  }

  answer(id: number): Promise<PluginAnswer> {
    return eventually(`the answer to request ${id}`, () => this.answers.find((answer) => answer[1] === id));
  }

  private async collect(): Promise<void> {
    try {
      for await (const answer of decodeMultiStream(this.socket)) this.answers.push(answer as PluginAnswer);
    } catch {
      // The connection ended.
    }
  }
}

export const request = (id: number, method: string, ...args: unknown[]): Uint8Array =>
  encode([0, id, method, args]);

/** A plugin server on a socket of its own, with the lines that it logs. */
export async function listening(path = join(testFolder(), 'plugin.socket'), server: object = newServer()) {
  const lines: string[] = [];
  const note = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  const log = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const listener = await listen(server, path, log);
  onTestFinished(() => void listener.close());
  return { path, listener, lines };
}

function newServer() {
  const silent = () => undefined;
  const server = createServer(plugin, { debug: silent, info: silent, warn: silent, error: silent });
  onTestFinished(() => server.close());
  return server;
}

/** The server still answers somebody else. */
export async function expectAlive(path: string): Promise<void> {
  const client = await PluginClient.open(path);
  expect(await client.ask(99, 'plugin.GetPluginInfo', PLUGIN_NAME)).toMatchObject([
    1,
    99,
    null,
    { Name: PLUGIN_NAME },
  ]);
  client.socket.destroy();
}
