import { refusal, type RawBundle, type Refusal } from '../../model';
import { withoutLineFeed, type PasswordCheck, type Passwords } from '../password';
import type { KubernetesClient } from '../../kubernetes';
import type { Secret } from './secret';

const DEFAULT_KEY = 'password';

/**
 * The password of keystores in a Secret beside each, as cert-manager's `passwordSecretRef` names it. It is asked for in
 * the namespaces where there is something locked, and again with every poll.
 */
export class SecretPasswords implements Passwords {
  readonly #name: string;
  readonly #key: string;
  readonly #known = new Map<string, string | undefined>();
  #errors: Refusal[] = [];

  /** @param reference `NAME` or `NAME/KEY` */
  constructor(
    private readonly client: KubernetesClient,
    reference: string,
  ) {
    const [name = '', key = DEFAULT_KEY] = reference.split('/');
    this.#name = name;
    this.#key = key;
  }

  async refresh(): Promise<PasswordCheck> {
    let changed = false;
    this.#errors = [];
    for (const [namespace, before] of this.#known) {
      const now = await this.ask(namespace);
      changed ||= now !== before;
      this.#known.set(namespace, now);
    }
    return { changed, errors: this.#errors };
  }

  async passwordOf({ secret, cert, key }: RawBundle): Promise<string | undefined> {
    const isPlain = cert.includes('-----BEGIN ') && !cert.includes('ENCRYPTED') && !key.includes('ENCRYPTED');
    if (secret === undefined || isPlain) return undefined;
    const { namespace } = secret;
    if (!this.#known.has(namespace)) this.#known.set(namespace, await this.ask(namespace));
    return this.#known.get(namespace);
  }

  private async ask(namespace: string): Promise<string | undefined> {
    const where = `Secret ${namespace}/${this.#name}`;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(this.#name)}`;
    try {
      const { data } = await this.client.get<Secret>(path);
      const value = data?.[this.#key];
      if (value === undefined) this.#errors.push(refusal('unreadable', `${where} has no key ${this.#key}`));
      return value === undefined ? undefined : withoutLineFeed(Buffer.from(value, 'base64').toString('utf8'));
    } catch (error) {
      const why = `${where}, which password_secret names, cannot be read: ${(error as Error).message}`;
      this.#errors.push(refusal('unreadable', why));
      return undefined;
    }
  }
}
