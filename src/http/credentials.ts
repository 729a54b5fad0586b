import { createSecureContext } from 'node:tls';
import { ConfiguredFile, FileError } from '../common/configured-file';
import { rememberSecret } from '../common/secrets';
import { failureKindOf } from '../model';
import type { TlsIdentity } from './agent';
import { HttpFailure } from './failure';

/** A secret of the configuration: its value, or a file that holds it and may be renewed. */
export type Secret = { value: string } | { file: string };

/** PEM files for the connections, read again when they change. */
export interface TlsFiles {
  caFile: string | null;
  certFile: string | null;
  keyFile: string | null;
}

/** Holds credentials and can be made to read them again because they were not accepted. */
interface CachedCredentials {
  /** Makes the next call read the files, even if their stamps are unchanged. */
  forget(): void;
}

function unusable(why: string, error?: unknown): HttpFailure {
  const kind = error === undefined ? 'forbidden' : failureKindOf(error);
  const systemCode = error instanceof FileError ? error.code : undefined;
  return new HttpFailure(why, {
    code: 'credentials',
    kind: kind === 'mistake' ? 'forbidden' : kind,
    systemCode,
  });
}

/** A file with the name of its field, for messages; `''`: no field. */
class NamedFile {
  readonly #file: ConfiguredFile;

  constructor(
    readonly path: string,
    private readonly field: string,
  ) {
    this.#file = new ConfiguredFile(path);
  }

  /** @throws HttpFailure naming the file */
  read(): string {
    try {
      return this.#file.read();
    } catch (error) {
      throw this.unusable((error as FileError).message, error);
    }
  }

  unusable(why: string, error?: unknown): HttpFailure {
    return unusable(this.field === '' ? why : `${this.field}: ${why}`, error);
  }

  forget(): void {
    this.#file.forget();
  }
}

/** Reads the current token or password. */
export class SecretReader implements CachedCredentials {
  readonly #file: NamedFile | null;

  /** @param field name of the file's field, for messages */
  constructor(
    private readonly secret: Secret,
    field = '',
  ) {
    this.#file = 'file' in secret ? new NamedFile(secret.file, field) : null;
  }

  /**
   * The secret without the line feed that editors and agents append.
   * @throws HttpFailure
   */
  read(): string {
    if (this.#file === null) {
      const value = 'value' in this.secret ? this.secret.value : '';
      rememberSecret(value);
      return value;
    }
    const text = this.#file.read().trim();
    if (text === '')
      throw this.#file.unusable(`${this.#file.path} is empty; it should hold a token or password`);
    rememberSecret(text);
    return text;
  }

  /**
   * The secret in a form that fits into a header.
   * @throws HttpFailure which does not quote it
   */
  readToken(): string {
    const token = this.read();
    if (/^[\x21-\x7e]+$/.test(token)) return token;
    throw unusable(
      `the token in ${this.#file?.path ?? 'the configuration'} contains characters that no token has; is it the right file?`,
    );
  }

  forget(): void {
    this.#file?.forget();
  }
}

const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\t\x20-\x7e]*[\x21-\x7e])[ \t]*$/;

/** Headers of a configuration, `Name: value` each. */
export const headersOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()];
    }),
  );

/** Reads the current headers of a file, a line `Name: value` each. */
export class HeadersReader implements CachedCredentials {
  readonly #file: NamedFile;

  /** @param field name of the file's field, for messages */
  constructor(path: string, field: string) {
    this.#file = new NamedFile(path, field);
  }

  /** @throws HttpFailure which does not quote it */
  read(): Record<string, string> {
    const lines = this.#file
      .read()
      .split(/\r?\n/)
      .filter((line) => line.trim() !== '');
    const headers = lines.map((line, index) => {
      const [, name, value] = HEADER.exec(line) ?? [];
      if (name === undefined || value === undefined)
        throw this.#file.unusable(
          `${this.#file.path}: line ${index + 1} is not "Name: value"; is it the right file?`,
        );
      return [name.toLowerCase(), value] as const;
    });
    return Object.fromEntries(headers);
  }

  forget(): void {
    this.#file.forget();
  }
}

/** Reads the current CA, client certificate and key. */
export class TlsReader implements CachedCredentials {
  readonly #ca: NamedFile | null;
  readonly #cert: NamedFile | null;
  readonly #key: NamedFile | null;
  #known: TlsIdentity | null = null;

  constructor(
    { caFile, certFile, keyFile }: TlsFiles,
    private readonly serverName?: string,
    fields = { ca: '', cert: '', key: '' },
  ) {
    const fileOf = (path: string | null, field: string) =>
      path === null ? null : new NamedFile(path, field);
    this.#ca = fileOf(caFile, fields.ca);
    this.#cert = fileOf(certFile, fields.cert);
    this.#key = fileOf(keyFile, fields.key);
  }

  /**
   * Returns the same object while the files are unchanged.
   * @throws HttpFailure naming the file that cannot be read, or has other content
   */
  read(): TlsIdentity {
    // An empty list would make Node trust every public CA.
    const ca = readPem(this.#ca, 'CERTIFICATE', 'certificate');
    const cert = readPem(this.#cert, 'CERTIFICATE', 'certificate');
    const key = readPem(this.#key, 'PRIVATE KEY', 'private key');
    const known = this.#known;
    if (known !== null && known.ca === ca && known.cert === cert && known.key === key) return known;
    this.check(cert, key);
    return (this.#known = { ca, cert, key, serverName: this.serverName });
  }

  forget(): void {
    for (const file of [this.#ca, this.#cert, this.#key]) file?.forget();
  }

  private check(cert: string | undefined, key: string | undefined): void {
    try {
      createSecureContext({ cert, key });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      const why =
        code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
          ? 'the key does not belong to the certificate'
          : 'one of them is damaged, or the key is encrypted; it has to be without a password';
      throw unusable(
        `${this.#cert?.path} and ${this.#key?.path} are not a client certificate with its key: ${why}`,
      );
    }
  }
}

function readPem(file: NamedFile | null, label: string, what: string): string | undefined {
  if (file === null) return undefined;
  const text = file.read();
  if (new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text)) return text;
  throw file.unusable(`${file.path} holds no ${what} in PEM; is it the right file?`);
}
