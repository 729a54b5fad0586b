import { createHash } from 'node:crypto';
import { Trouble } from '../remote/trouble';
import { encodePath, hintOf, type VaultAnswer, type VaultClient } from './client';
import type { VaultSession } from './session';

/** A secret as it was read; `tag` changes with each write. */
export interface KvSecret {
  tag: string;
  data: Readonly<Record<string, unknown>>;
}

type Fields = Record<string, unknown>;

/** A trouble with one secret that says nothing about others. */
export class SecretTrouble extends Trouble {}

/** Deeper trees, and folders with more secrets, hold something else than certificates. */
const MAX_DEPTH = 16;
const MAX_SECRETS = 10_000;
const MAX_FOLDERS = 2_000;

/** A KV engine at a mount, version 1 or 2. Null: no such secret, or its latest version is deleted. */
export class KeyValues {
  #version: 1 | 2 | null;
  /** Secrets whose metadata the token may not read. */
  readonly #blind = new Set<string>();

  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly mount: string,
    version: 1 | 2 | null,
  ) {
    this.#version = version;
  }

  /**
   * The tag alone, by the cheapest request. Version 1 has no versions, so the secret is read.
   * @returns the secret as well where it had to be read
   */
  async look(path: string): Promise<{ tag: string; secret: KvSecret | null } | null> {
    if ((await this.version()) === 1 || this.#blind.has(path)) return this.lookByReading(path);
    const answer = await this.session.ask(this.at('metadata', path));
    if (answer.status === 403) {
      // The right to read the secret suffices; a policy may grant no more.
      const found = await this.lookByReading(path);
      this.#blind.add(path);
      return found;
    }
    const data = await this.dataOf(answer, `metadata/${path}`, 'read');
    if (data === null) return null;
    const tag = tagOf(data);
    return tag === null ? null : { tag, secret: null };
  }

  async read(path: string): Promise<KvSecret | null> {
    const version = await this.version();
    const shown = version === 1 ? path : `data/${path}`;
    const data = await this.dataOf(await this.session.ask(this.at('data', path)), shown, 'read');
    if (data === null) return null;
    if (version === 1) {
      const digest = createHash('sha256').update(JSON.stringify(data)).digest('base64url');
      return { tag: digest, data };
    }
    const { data: fields, metadata } = data as { data?: Fields | null; metadata?: Fields };
    if (fields == null) return null;
    return { tag: `${String(metadata?.['version'])}@${String(metadata?.['created_time'])}`, data: fields };
  }

  /** Every secret below a folder (empty, or with a slash at its end), at any depth. */
  async list(root: string): Promise<string[]> {
    const found: string[] = [];
    const folders = [{ path: root, depth: 0 }];
    for (const { path, depth } of folders) {
      for (const key of await this.keysIn(path)) {
        if (!key.endsWith('/')) found.push(path + key);
        else if (depth < MAX_DEPTH) folders.push({ path: path + key, depth: depth + 1 });
      }
      if (found.length > MAX_SECRETS || folders.length > MAX_FOLDERS) {
        const what = found.length > MAX_SECRETS ? `${MAX_SECRETS} secrets` : `${MAX_FOLDERS} folders`;
        throw new Trouble(
          'too_large',
          `${this.mount}/${root} holds more than ${what}: name a smaller part of it in secret_path`,
        );
      }
    }
    return found;
  }

  private async keysIn(folder: string): Promise<string[]> {
    const version = await this.version();
    const shown = version === 1 ? folder : `metadata/${folder}`;
    const answer = await this.session.ask(`${this.at('metadata', folder)}?list=true`);
    const data = await this.dataOf(answer, shown, 'list');
    const keys = (data as { keys?: unknown } | null)?.keys;
    // A key is one part of a path; a URL would take dots for a way up.
    const isKey = (key: unknown): key is string =>
      typeof key === 'string' && /^(?!\.{1,2}\/?$)[^/]+\/?$/.test(key);
    return Array.isArray(keys) ? (keys as unknown[]).filter(isKey) : [];
  }

  /** As `look`, without asking for the metadata first. */
  async lookByReading(path: string): Promise<{ tag: string; secret: KvSecret } | null> {
    const secret = await this.read(path);
    return secret === null ? null : { tag: secret.tag, secret };
  }

  /** Asks as Vault's own command line does. Without the right to ask it is 2, the version of new mounts. */
  private async version(): Promise<1 | 2> {
    if (this.#version !== null) return this.#version;
    const { status, body } = await this.session.ask(`sys/internal/ui/mounts/${encodePath(this.mount)}`);
    if (status !== 200) return 2;
    const { type, options } = (body.data ?? {}) as { type?: unknown; options?: { version?: unknown } | null };
    if (type !== 'kv' && type !== 'generic') {
      throw new Trouble(
        'unsupported_format',
        `mount ${this.mount} of Vault is not a KV engine; secrets are read only from KV`,
      );
    }
    return (this.#version = options?.version === '2' ? 2 : 1);
  }

  private at(part: 'data' | 'metadata', path: string): string {
    return encodePath(this.#version === 1 ? `${this.mount}/${path}` : `${this.mount}/${part}/${path}`);
  }

  /** @returns null for 404 */
  private async dataOf(
    { status, body }: VaultAnswer,
    path: string,
    verb: 'read' | 'list',
  ): Promise<Fields | null> {
    const where = `${this.mount}/${path}`;
    if (status === 404 || status === 204) return null;
    if (status === 403) {
      const what = `${where} of Vault cannot be read (403)`;
      if (await this.session.isRefused()) {
        const why = 'it has expired, was revoked, or belongs to another Vault or namespace';
        throw new Trouble('forbidden', `${what}: the token is not accepted: ${why}`);
      }
      throw new SecretTrouble(
        'forbidden',
        `${what}: the policy of the token has to grant "${verb}" on ${where}`,
      );
    }
    if (status !== 200 || typeof body.data !== 'object' || body.data === null) {
      const why = hintOf(body) || 'are mount, secret_path and kv_version right?';
      throw new SecretTrouble(
        'unreachable',
        `Vault at ${this.client.address} answers ${status} for ${where}: ${why}`,
      );
    }
    return body.data as Fields;
  }
}

/** The tag from a secret's metadata; null where the latest version is deleted or destroyed. */
function tagOf(data: Fields): string | null {
  const { current_version: current, versions } = data as {
    current_version?: unknown;
    versions?: Record<
      string,
      { created_time?: unknown; deletion_time?: unknown; destroyed?: unknown } | undefined
    >;
  };
  const latest = versions?.[String(current)];
  if (latest === undefined || latest.destroyed === true) return null;
  // It may be set in advance.
  const deletion = Date.parse(String(latest.deletion_time));
  if (deletion <= Date.now()) return null;
  return `${String(current)}@${String(latest.created_time)}`;
}
