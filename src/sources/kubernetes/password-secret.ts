import { failureKindOf, refusal, type RawBundle, type Refusal } from '../../model';
import { withoutLineFeed, type PasswordCheck, type Passwords } from '../password';
import type { KubernetesClient } from '../../kubernetes';
import type { Secret } from './secret';

const DEFAULT_KEY = 'password';

/** State of one namespace. */
interface Known {
  /** Undefined: no password. */
  password: string | undefined;
  /** Locked bundles in it. */
  locked: Set<string>;
}

/**
 * The password of keystores in a Secret beside each, as cert-manager's `passwordSecretRef` names it. It is
 * requested in namespaces with locked bundles, and again with every poll.
 */
export class SecretPasswords implements Passwords {
  readonly #name: string;
  readonly #key: string;
  readonly #known = new Map<string, Known>();
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

  async refresh(names: ReadonlySet<string>): Promise<PasswordCheck> {
    this.#errors = [];
    const refreshed = await Promise.all(
      [...this.#known].map(async ([namespace, known]) => {
        for (const name of known.locked) if (!names.has(name)) known.locked.delete(name);
        if (known.locked.size === 0) {
          this.#known.delete(namespace);
          return false;
        }
        const before = known.password;
        known.password = await this.ask(namespace, before);
        return known.password !== before;
      }),
    );
    return { changed: refreshed.includes(true), errors: [], partial: this.#errors };
  }

  async passwordOf({ name, secret, cert, key }: RawBundle): Promise<string | undefined> {
    if (secret === undefined) return undefined;
    const { namespace } = secret;
    const isPlain = cert.includes('-----BEGIN ') && !cert.includes('ENCRYPTED') && !key.includes('ENCRYPTED');
    if (isPlain) {
      this.#known.get(namespace)?.locked.delete(name);
      return undefined;
    }
    const known = this.#known.get(namespace) ?? {
      password: await this.ask(namespace, undefined),
      locked: new Set(),
    };
    known.locked.add(name);
    this.#known.set(namespace, known);
    return known.password;
  }

  /** @param before kept where nobody answers now */
  private async ask(namespace: string, before: string | undefined): Promise<string | undefined> {
    const where = `Secret ${namespace}/${this.#name}`;
    const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(this.#name)}`;
    try {
      const { data } = await this.client.get<Secret>(path);
      const value = data?.[this.#key];
      if (typeof value === 'string') return withoutLineFeed(Buffer.from(value, 'base64').toString('utf8'));
      this.#errors.push(refusal('unreadable', `${where} has no key ${this.#key}`));
      return undefined;
    } catch (error) {
      const isAway = failureKindOf(error) === 'away';
      const why = `${where}, which password_secret names, cannot be read: ${(error as Error).message}`;
      this.#errors.push(refusal(isAway ? 'unreachable' : 'unreadable', why));
      return isAway ? before : undefined;
    }
  }
}
