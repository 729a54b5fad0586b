import { setTimeout as sleep } from 'node:timers/promises';
import { answerError } from '../admin/answers';
import type { AdminClient } from '../admin/client';

interface Status {
  configuration_hash?: string;
  server?: { connections_writing?: number };
}

/** Number of samples of Kong's load. */
const SAMPLES = 16;
const PAUSE_MS = 10;

/** State of the configuration of a Kong without a database, from `GET /status`. */
export class ConfigurationState {
  /** Kong's requests under way at each sample, our own included. */
  readonly #underWay: number[] = [];

  constructor(private readonly client: AdminClient) {}

  /**
   * MD5 of the configuration that Kong serves now.
   * @throws AdminError
   */
  async hash(): Promise<string> {
    const { hash, underWay } = await this.read();
    this.#underWay.push(underWay);
    if (this.#underWay.length > SAMPLES) this.#underWay.shift();
    return hash;
  }

  /**
   * Whether Kong still has this configuration. Where Kong is busier than usual, another writer may be posting: that
   * post is waited for first.
   * @throws AdminError
   */
  async isStill(wanted: string, patienceMs: number): Promise<boolean> {
    const end = performance.now() + patienceMs;
    for (;;) {
      const { hash, underWay } = await this.read();
      if (hash !== wanted) return false;
      if (underWay <= Math.min(...this.#underWay) || performance.now() > end) return true;
      await sleep(PAUSE_MS);
    }
  }

  private async read(): Promise<{ hash: string; underWay: number }> {
    const answer = await this.client.get('/status');
    const { configuration_hash: hash, server } = (answer.body ?? {}) as Status;
    if (answer.status !== 200 || hash === undefined) throw answerError(this.client, 'GET /status', answer);
    return { hash, underWay: server?.connections_writing ?? 0 };
  }
}
