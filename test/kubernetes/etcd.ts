import { join } from 'node:path';
import { freePort } from '../support/port';
import { startProcess, untilReady, type ServerProcess } from './process';

interface EtcdAnswer {
  header: { revision: string };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

/** An etcd of one member on loopback; its data goes with the folder. */
export class Etcd {
  private constructor(
    readonly url: string,
    private readonly server: ServerProcess,
  ) {}

  /** Resolves when it answers. @throws Error with the end of its log */
  static async start(executable: string, folder: string): Promise<Etcd> {
    const url = `http://127.0.0.1:${await freePort()}`;
    const args = [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://127.0.0.1:0',
    ];
    const server = startProcess(executable, args, join(folder, 'etcd.log'));
    try {
      await untilReady('etcd', server, async () => (await fetch(`${url}/health`)).ok);
    } catch (error) {
      await server.stop(0);
      throw error;
    }
    return new Etcd(url, server);
  }

  /** Forgets every revision up to now. */
  async compact(): Promise<void> {
    // A watch from revision N needs N + 1, and the revision that is compacted at is kept: so two writes come first.
    const write = { key: base64('compacted'), value: base64('') };
    await this.#ask('/v3/kv/put', write);
    const { header } = await this.#ask('/v3/kv/put', write);
    await this.#ask('/v3/kv/compaction', { revision: header.revision, physical: true });
  }

  stop(): Promise<void> {
    return this.server.stop(0);
  }

  /** Its own API in the JSON form, so that no etcdctl is needed. */
  async #ask(path: string, body: object): Promise<EtcdAnswer> {
    const response = await fetch(this.url + path, { method: 'POST', body: JSON.stringify(body) });
    const answer = await response.text();
    if (!response.ok) throw new Error(`etcd: ${path}: ${response.status}: ${answer}`);
    return JSON.parse(answer) as EtcdAnswer;
  }
}
