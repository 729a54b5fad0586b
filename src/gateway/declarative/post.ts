import { setTimeout as sleep } from 'node:timers/promises';
import { answerError, isJson } from '../admin/answers';
import { AdminError, type AdminClient, type AdminResponse } from '../admin/client';
import { decode, type Encoded } from './encode';

/** The MD5 of the configuration that Kong serves now; only DB-less Kongs have one. @throws AdminError */
export async function configurationHash(client: AdminClient): Promise<string> {
  const answer = await client.get('/status');
  const { status, body } = answer;
  if (status === 200 && typeof body === 'object' && body !== null && 'configuration_hash' in body) {
    return String(body.configuration_hash);
  }
  throw answerError(client, 'GET /status', answer);
}

/** Kong's whole configuration, in parts. @throws AdminError */
export async function exportConfiguration(client: AdminClient): Promise<readonly string[]> {
  const answer = await client.get('/config');
  const parts = answer.status === 200 ? await decode(answer.bytes) : null;
  if (parts === null) throw answerError(client, 'GET /config', answer);
  return parts;
}

export type Posted =
  /** `lost`: what somebody else posted meanwhile and this post has overwritten. */
  | { kind: 'done'; lost: readonly string[] | null }
  | { kind: 'refused'; body: unknown }
  /** Kong is busy with somebody's post, or did not answer: look again before the next try. */
  | { kind: 'busy'; waitMs: number; error: AdminError };

export interface Post {
  config: Encoded;
  /** The hash of the configuration that `config` was made from. */
  before: string;
  /** A line that only the new configuration has; null: there is none. */
  mark: string | null;
}

/**
 * Posts a configuration once. Kong has no compare-and-set, and takes milliseconds to seconds for a post: who else
 * posts meanwhile is looked out for, so that nobody's update gets lost.
 * @throws AdminError
 */
export async function postConfiguration(client: AdminClient, post: Post): Promise<Posted> {
  const { config } = post;
  const lookout = new Lookout(client, post);
  const looking = lookout.look();
  let answer: AdminResponse;
  try {
    // Never sent again as it is: what was there before may be somebody else's by then.
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

/** While Kong works on a post of this size it can be asked for an export at no cost that matters. */
const SMALL_CHARS = 256 * 1024;
const PAUSE_MS = 20;

/** Watches the configuration's hash during a post. */
class Lookout {
  readonly #ended = new AbortController();

  constructor(
    private readonly client: AdminClient,
    private readonly post: Post,
  ) {}

  /** @returns what somebody else posted since, or null. Never throws: without an answer there is nothing to say. */
  async look(): Promise<readonly string[] | null> {
    const { signal } = this.#ended;
    const known = [this.post.before, this.post.config.hash];
    const isEnded = () => signal.aborted;
    try {
      // Both are on their way before the post is: there is no later chance where that is quick.
      const isSmall = this.post.config.size < SMALL_CHARS;
      const early = isSmall ? exportConfiguration(this.client).catch(() => null) : null;
      for (let first = true; first || !isEnded(); first = false) {
        const hash = await configurationHash(this.client);
        if (!known.includes(hash)) return await this.theirs(first ? await early : null, hash);
        await sleep(PAUSE_MS, undefined, { signal });
      }
    } catch {
      // Ended, or Kong does not answer; the post itself says so.
    }
    return null;
  }

  end(): void {
    this.#ended.abort();
  }

  /**
   * @param early asked for before it was known that there is anything: it may be what was there before
   * @param hash of what somebody else posted
   */
  private async theirs(early: readonly string[] | null, hash: string): Promise<readonly string[] | null> {
    const { mark } = this.post;
    const has = (parts: readonly string[]) => mark === null || parts.some((part) => part.includes(mark));
    const found = await exportConfiguration(this.client);
    if ((await configurationHash(this.client)) === hash) return found;
    // Kong has another one by now, as a rule ours, and what was found may be that already. Theirs may have the mark, too.
    if (!has(found)) return found;
    const again = await exportConfiguration(this.client);
    if (found.join('') !== again.join('')) return found;
    return early !== null && !has(early) ? early : null;
  }
}

/** A line of a PEM text that no other has: of the leaf's signature. */
export function markOf(pem: string | null | undefined): string | null {
  const [leaf = ''] = (pem ?? '').split('-----END ', 1);
  return leaf.split('\n').findLast((line) => line.length === 64) ?? null;
}
