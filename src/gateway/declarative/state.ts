import { setTimeout as sleep } from 'node:timers/promises';
import { answerError } from '../admin/answers';
import type { AdminClient } from '../admin/client';

interface Status {
  configuration_hash?: string;
  server?: { connections_writing?: number };
}

/** Samples of how much Kong does. */
const SAMPLES = 16;
const PAUSE_MS = 10;

/** What `GET /status` tells of the configuration of a Kong without a database. */
export class ConfigurationState {
  /** How many requests Kong had under way each time it was asked, those of its own included. */
  readonly #underWay: number[] = [];

  constructor(private readonly client: AdminClient) {}

  /** The MD5 of the configuration that Kong serves now. @throws AdminError */
  async hash(): Promise<string> {
    const { hash, underWay } = await this.read();
    this.#underWay.push(underWay);
    if (this.#underWay.length > SAMPLES) this.#underWay.shift();
    return hash;
  }

  /**
   * Whether this is still the configuration. Where Kong does more than it does at rest, that may be somebody else's
   * post: it is waited for, and comes first.
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
