import { refusal, type RawBundle, type Refusal } from '../model';
import { ConfiguredFile } from '../common/configured-file';
import { rememberSecret } from '../common/secrets';

/**
 * Origin of the password of a source's keystores and encrypted keys. An operator's is registered as a secret; a
 * tenant's is not: by choosing it a tenant could have any word removed from output.
 */
export interface Passwords {
  /**
   * Looks for a new password.
   * @param names of the present bundles
   * @returns whether to retry locked bundles, and what is wrong
   */
  refresh(names: ReadonlySet<string>): PasswordCheck | Promise<PasswordCheck>;
  /** Undefined: there is none. Never throws. */
  passwordOf(raw: RawBundle): string | undefined | Promise<string | undefined>;
}

export interface PasswordCheck {
  changed: boolean;
  errors: Refusal[];
  /** Troubles of single tenants. */
  partial?: Refusal[];
}

/** A password in the configuration. */
export class FixedPassword implements Passwords {
  /** @param password null: a reference, which Kong resolves only for plugins that run in requests */
  constructor(private readonly password: string | null) {
    if (password !== null) rememberSecret(password);
  }

  refresh(): PasswordCheck {
    if (this.password !== null) return { changed: false, errors: [] };
    const why =
      'password is a vault reference, which Kong resolves only for plugins that run in requests; use password_file';
    return { changed: false, errors: [refusal('encrypted_key', why)] };
  }

  passwordOf(): string | undefined {
    return this.password ?? undefined;
  }
}

/** As a person or `kubectl create secret --from-file` writes it: with or without a line feed. */
export const withoutLineFeed = (text: string): string => text.replace(/\r?\n$/, '');

/** A password in a file, which may change at any time. */
export class PasswordFile implements Passwords {
  readonly #file: ConfiguredFile;
  #password: string | undefined;

  constructor(path: string) {
    this.#file = new ConfiguredFile(path);
  }

  refresh(): PasswordCheck {
    const before = this.#password;
    const errors: Refusal[] = [];
    try {
      this.#password = withoutLineFeed(this.#file.read());
      rememberSecret(this.#password);
    } catch (error) {
      this.#password = undefined;
      errors.push(refusal('unreadable', (error as Error).message));
    }
    return { changed: this.#password !== before, errors };
  }

  passwordOf(): string | undefined {
    return this.#password;
  }
}
