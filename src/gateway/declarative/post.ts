import { setTimeout as sleep } from 'node:timers/promises';
import { answerError, isJson } from '../admin/answers';
import { AdminError, type AdminClient, type AdminResponse } from '../admin/client';
import { decode, type Encoded } from './encode';
import { ConfigurationState } from './state';

/**
 * Kong's whole configuration, as text in parts.
 * @throws AdminError
 */
export async function exportConfiguration(client: AdminClient): Promise<readonly string[]> {
  const answer = await client.get('/config');
  const parts = answer.status === 200 ? await decode(answer.bytes) : null;
  if (parts === null) throw answerError(client, 'GET /config', answer);
  return parts;
}

/** An update of another writer that this post has overwritten. */
export interface Lost {
  parts: readonly string[];
  /** True where its hash was the same before and after the read; otherwise the text may mix two configurations. */
  isWhole: boolean;
}

type Posted =
  | { kind: 'done'; lost: Lost | null }
  | { kind: 'refused'; body: unknown }
  /** Kong is busy with another post, or did not answer: look again before the next try. */
  | { kind: 'busy'; waitMs: number; error: AdminError };

interface Post {
  config: Encoded;
  /** The hash of the configuration that `config` was made from. */
  before: string;
}

/**
 * Posts a configuration once. Kong has no compare-and-set, and a post takes milliseconds to seconds: posts of other
 * writers meanwhile are watched for.
 * @throws AdminError
 */
export async function postConfiguration(client: AdminClient, post: Post): Promise<Posted> {
  const { config } = post;
  const lookout = new Lookout(client, post);
  const looking = lookout.look();
  let answer: AdminResponse;
  try {
    // Not repeated as it is: by then the former configuration may be another writer's.
    answer = await client.request('POST', POST_PATH, config.body, undefined, 1);
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    return { kind: 'busy', waitMs: error.waitMs ?? 0, error };
  } finally {
    lookout.end();
  }
  const lost = await looking;
  const { status } = answer;
  if (status === 304 || (status === 201 && isJson(answer))) return { kind: 'done', lost };
  if (status === 400) return { kind: 'refused', body: answer.body };
  if (status !== 413) throw answerError(client, 'POST /config', answer);
  const size = Math.ceil(config.size / 1_048_576);
  throw new AdminError(
    'ADMIN_STATUS',
    `the configuration (${size} MiB) is larger than Kong takes: raise nginx_admin_client_max_body_size`,
    status,
  );
}

const POST_PATH = '/config?check_hash=1&flatten_errors=1';

/** During posts of up to this size Kong can be asked for exports at negligible cost. */
const SMALL_CHARS = 256 * 1024;
/** Requests under way at the same time: a worker that is busy with a post answers late. */
const EYES = 3;
const PAUSE_MS = 20;
const SHORT_PAUSE_MS = 3;

/** Watches Kong's configuration during a post. */
class Lookout {
  readonly #ended = new AbortController();
  /** Hashes of known configurations. */
  readonly #known: Set<string>;
  /** Kong's export of the former configuration. */
  #before: string | null = null;
  #lost: Lost | null = null;

  constructor(
    private readonly client: AdminClient,
    private readonly post: Post,
  ) {
    this.#known = new Set([post.before, post.config.hash]);
  }

  /** @returns the last update of another writer, or null. Never throws: without an answer nothing is known. */
  async look(): Promise<Lost | null> {
    await Promise.all(Array.from({ length: this.isSmall ? EYES : 1 }, () => this.lookOn()));
    return this.#lost;
  }

  end(): void {
    this.#ended.abort();
  }

  private get isSmall(): boolean {
    return this.post.config.size < SMALL_CHARS;
  }

  private async lookOn(): Promise<void> {
    const { signal } = this.#ended;
    try {
      for (;;) {
        // A kept connection leads to the same worker each time, busy or not.
        const client = this.client.fresh();
        try {
          await this.lookOnce(client);
        } finally {
          client.close();
        }
        if (signal.aborted) return;
        await sleep(this.isSmall ? SHORT_PAUSE_MS : PAUSE_MS, undefined, { signal });
      }
    } catch {
      // Cancelled, or Kong does not answer; the post itself will report that.
    }
  }

  private async lookOnce(client: AdminClient): Promise<void> {
    const state = new ConfigurationState(client);
    let hash = await state.hash();
    while (!this.#known.has(hash) || (this.isSmall && hash === this.post.before)) {
      const isTheirs = !this.#known.has(hash);
      // Where it costs little, the configuration is read before its hash is checked: it may be gone a moment later.
      const parts = await exportConfiguration(client);
      const after = await state.hash();
      if (after === hash) {
        if (isTheirs) this.#lost = { parts, isWhole: true };
        else this.#before ??= parts.join('');
        this.#known.add(hash);
        return;
      }
      const text = parts.join('');
      const isOther = isTheirs || (this.#before !== null && text !== this.#before);
      if (isOther && text !== (await exportConfiguration(client)).join(''))
        this.#lost ??= { parts, isWhole: false };
      hash = after;
    }
  }
}
