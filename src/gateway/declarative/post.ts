import * as crypto from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { AdminError, kongMessage, type AdminClient, type AdminResponse } from '../admin/client';

/** The MD5 of the configuration that Kong serves now; only DB-less Kongs have one. @throws AdminError */
export async function configurationHash(client: AdminClient): Promise<string> {
  const { status, body } = await client.get('/status');
  if (status === 200 && typeof body === 'object' && body !== null && 'configuration_hash' in body) {
    return String(body.configuration_hash);
  }
  throw new AdminError('ADMIN_STATUS', `GET /status answered ${status} without a configuration hash`, status);
}

/** Kong's whole configuration. @throws AdminError */
export async function exportConfiguration(client: AdminClient): Promise<string> {
  const { status, body } = await client.get('/config');
  const yaml = typeof body === 'object' && body !== null && 'config' in body ? body.config : null;
  if (status === 200 && typeof yaml === 'string') return yaml;
  throw new AdminError('ADMIN_STATUS', `GET /config answered ${status}: ${kongMessage(body)}`, status);
}

/** Kong's hash of a text that was posted (kong/db/declarative/init.lua). */
export const hashOf = (text: string): string => crypto.hash('md5', text);

export type Posted =
  /** `lost`: what somebody else posted meanwhile and this post has overwritten. */
  | { kind: 'done'; lost: string | null }
  | { kind: 'refused'; body: unknown }
  /** Kong is busy with somebody's post, or did not answer: look again before the next try. */
  | { kind: 'busy'; waitMs: number; error: AdminError };

export interface Post {
  config: string;
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
    answer = await client.request('POST', '/config?check_hash=1&flatten_errors=1', { config }, undefined, 1);
  } catch (error) {
    if (!(error instanceof AdminError)) throw error;
    return { kind: 'busy', waitMs: error.waitMs ?? 0, error };
  } finally {
    lookout.end();
  }
  const lost = await looking;
  const { status, body } = answer;
  if (status === 201 || status === 304) return { kind: 'done', lost };
  if (status === 400) return { kind: 'refused', body };
  const size = Math.ceil(config.length / 1_048_576);
  throw new AdminError(
    'ADMIN_STATUS',
    status === 413
      ? `the configuration (${size} MiB) is larger than Kong takes: raise nginx_admin_client_max_body_size`
      : `POST /config answered ${status}: ${kongMessage(body)}`,
    status,
  );
}

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
  async look(): Promise<string | null> {
    const { signal } = this.#ended;
    const known = [this.post.before, hashOf(this.post.config)];
    const isEnded = () => signal.aborted;
    try {
      // Both are on their way before the post is: there is no later chance where that is quick.
      const isSmall = this.post.config.length < SMALL_CHARS;
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
  private async theirs(early: string | null, hash: string): Promise<string | null> {
    const { mark } = this.post;
    const found = await exportConfiguration(this.client);
    if ((await configurationHash(this.client)) === hash) return found;
    // Kong has another one by now, as a rule ours, and what was found may be that already. Theirs may have the mark, too.
    if (mark !== null && !found.includes(mark)) return found;
    if (found !== (await exportConfiguration(this.client))) return found;
    return early !== null && mark !== null && !early.includes(mark) ? early : null;
  }
}

/** A line of a PEM text that no other has: of the leaf's signature. */
export function markOf(pem: string | null | undefined): string | null {
  const [leaf = ''] = (pem ?? '').split('-----END ', 1);
  return leaf.split('\n').findLast((line) => line.length === 64) ?? null;
}
