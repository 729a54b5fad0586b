import { rememberSecret } from '../../common/secrets';
import { refusal, type Refusal } from '../../model';
import { SecretReader, type Secret } from '../../http';
import { refusalOf, Trouble } from '../remote/trouble';
import { encodePath, hintOf, type VaultAnswer, type VaultClient } from './client';

/** How to authenticate to Vault. */
export type VaultAuth =
  /** An agent on loopback, which adds its own token to requests. */
  | { method: 'agent' }
  | { method: 'token'; token: Secret }
  | { method: 'approle'; mount: string; roleId: string; secretId: Secret | null }
  | { method: 'kubernetes'; mount: string; role: string; jwtFile: string };

interface Token {
  value: string;
  /** Milliseconds since the epoch; Infinity for a token that does not expire. */
  expiresAt: number;
}

/** The secret of a login. */
function secretOf(auth: VaultAuth): Secret {
  switch (auth.method) {
    case 'agent':
      return { value: '' };
    case 'token':
      return auth.token;
    case 'approle':
      return auth.secretId ?? { value: '' };
    case 'kubernetes':
      return { file: auth.jwtFile };
  }
}

/** Longest time after which a token is looked up again. */
const MAX_TTL_S = 10 * 365 * 86_400;
/** A token this close to its end is replaced where possible. */
const LAST_MS = 2_000;
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Provides the token: by a login where that is configured, renewed after half of its time. */
export class VaultSession {
  #token: Token | null = null;
  /** A token that was refused something, while its replacement is obtained. */
  #before: Token | null = null;
  #login: Promise<Token> | null = null;
  /** Why there is no token; the login is not tried again before the next scan. */
  #loginTrouble: Error | null = null;
  /** One login a scan suffices: a new token would be refused like the one before. */
  #mayLogIn = true;
  #timer: NodeJS.Timeout | null = null;
  #renewalTrouble: Refusal | null = null;
  #isClosed = false;
  private readonly secret: SecretReader;

  constructor(
    private readonly client: VaultClient,
    private readonly auth: VaultAuth,
  ) {
    this.secret = new SecretReader(secretOf(auth));
  }

  /** A failed renewal, until one succeeds: the token may still be valid for a while. */
  get troubles(): Refusal[] {
    return this.#renewalTrouble === null ? [] : [this.#renewalTrouble];
  }

  beginScan(): void {
    this.#mayLogIn = true;
    this.#loginTrouble = null;
  }

  /**
   * The answer to a request with the token; after a 403 repeated once with a new token, where one can be had.
   * @throws Trouble, HttpFailure
   */
  async ask(path: string): Promise<VaultAnswer> {
    const token = await this.token();
    const answer = await this.client.send('GET', path, token);
    if (answer.status !== 403 || !this.canLogIn) return answer;
    // Another request may have logged in while this one waited.
    if (this.#token?.value === token) {
      if (!this.#mayLogIn) return answer;
      this.#before = this.#token;
      this.#token = null;
    }
    return this.client.send('GET', path, await this.token());
  }

  /** Whether the token itself is refused, as opposed to lacking a right. */
  async isRefused(): Promise<boolean> {
    return this.auth.method === 'token' && !(await this.isAccepted(this.secret.readToken()));
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  private get canLogIn(): boolean {
    return this.auth.method === 'approle' || this.auth.method === 'kubernetes';
  }

  /** Null: no token is sent. */
  private async token(): Promise<string | null> {
    if (this.auth.method === 'agent') return null;
    if (this.auth.method === 'token') {
      const value = this.secret.readToken();
      // The file may have a new token.
      if (this.#token?.value !== value) this.#token = await this.lookUp(value);
      return value;
    }
    if (this.#token !== null && Date.now() < this.#token.expiresAt - LAST_MS) return this.#token.value;
    if (this.#loginTrouble !== null) throw this.#loginTrouble;
    this.#login ??= this.newToken().finally(() => (this.#login = null));
    this.#token = await this.#login;
    return this.#token.value;
  }

  /** Logs in. If the login is refused, a token that only lacks a right for one secret stays in use for the others. */
  private async newToken(): Promise<Token> {
    const before = this.#before;
    this.#before = null;
    try {
      const token = await this.logIn();
      // One login at each poll would pile up tokens in Vault until they expire.
      if (before !== null) await this.revoke(before);
      return token;
    } catch (error) {
      if (before !== null && (await this.isAccepted(before.value))) return before;
      this.#loginTrouble = error as Error;
      throw error;
    }
  }

  private async isAccepted(value: string): Promise<boolean> {
    return (await this.client.send('GET', 'auth/token/lookup-self', value)).status !== 403;
  }

  private async revoke({ value }: Token): Promise<void> {
    // A token that no longer works cannot be revoked either, and expires by itself.
    await this.client.send('POST', 'auth/token/revoke-self', value, {}).catch(() => undefined);
  }

  /** How long a given token lives. A token without the right to look itself up is not renewed either. */
  private async lookUp(value: string): Promise<Token> {
    const { status, body } = await this.client.send('GET', 'auth/token/lookup-self', value);
    const { ttl, renewable } = (status === 200 ? (body.data ?? {}) : {}) as {
      ttl?: unknown;
      renewable?: unknown;
    };
    return this.accept(value, ttl, renewable);
  }

  private async logIn(): Promise<Token> {
    const { path, body, advice } = this.credentials();
    this.#mayLogIn = false;
    const answer = await this.client.send('POST', path, null, body);
    const { client_token: value, lease_duration: ttl, renewable } = answer.body.auth ?? {};
    if (answer.status !== 200 || typeof value !== 'string') {
      const why = hintOf(answer.body) || advice;
      throw new Trouble(
        'forbidden',
        `Vault at ${this.client.address} refuses the login (${answer.status}): ${why}`,
      );
    }
    return this.accept(value, ttl, renewable);
  }

  private credentials(): { path: string; body: object; advice: string } {
    const { auth } = this;
    switch (auth.method) {
      case 'approle':
        return {
          path: `auth/${encodePath(auth.mount)}/login`,
          body: {
            role_id: auth.roleId,
            ...(auth.secretId === null ? {} : { secret_id: this.secret.read() }),
          },
          advice: 'check role_id, secret_id and auth_mount',
        };
      case 'kubernetes':
        return {
          path: `auth/${encodePath(auth.mount)}/login`,
          body: { role: auth.role, jwt: this.secret.read() },
          advice: 'check role, auth_mount and which service accounts the role is bound to',
        };
      case 'agent':
      case 'token':
        throw new Error('there is nothing to log in with');
    }
  }

  /** @param ttl seconds; 0 for a token that does not expire */
  private accept(value: string, ttl: unknown, renewable: unknown): Token {
    rememberSecret(value);
    const isLasting = typeof ttl !== 'number' || ttl <= 0;
    const expiresAt = isLasting ? Infinity : Date.now() + Math.min(ttl, MAX_TTL_S) * 1000;
    const token = { value, expiresAt };
    this.#renewalTrouble = null;
    if (this.#timer !== null) clearTimeout(this.#timer);
    if (renewable === true && !isLasting) this.planRenewal(token);
    return token;
  }

  private planRenewal(token: Token): void {
    const remaining = token.expiresAt - Date.now();
    if (this.#isClosed || remaining < LAST_MS / 2) return;
    const delay = Math.min(remaining / 2, MAX_DELAY_MS);
    // Unreferenced: the process may end.
    this.#timer = setTimeout(() => void this.renew(token), delay).unref();
  }

  /** Renews in the background; after a failure again at half of the remaining time. */
  private async renew(token: Token): Promise<void> {
    try {
      const { status, body } = await this.client.send('POST', 'auth/token/renew-self', token.value, {});
      if (this.#isClosed || this.#token?.value !== token.value) return;
      if (status === 200) {
        const { lease_duration: ttl, renewable } = body.auth ?? {};
        this.#token = this.accept(token.value, ttl, renewable);
        return;
      }
      this.#renewalTrouble = this.cannotRenew(token, `Vault answers ${status}`);
    } catch (error) {
      // Another token has replaced it meanwhile.
      if (this.#token?.value !== token.value) return;
      this.#renewalTrouble = this.cannotRenew(
        token,
        refusalOf(error, `Vault at ${this.client.address}`).message,
      );
    }
    this.planRenewal(token);
  }

  private cannotRenew({ expiresAt }: Token, why: string): Refusal {
    const until = new Date(expiresAt).toISOString();
    return refusal('unreachable', `the token for Vault cannot be renewed, it ends at ${until}: ${why}`);
  }
}
