import { createSecureContext } from 'node:tls';
import { ConfiguredFile, FileError } from '../common/configured-file';
import { rememberSecret } from '../common/secrets';
import { failureKindOf } from '../model';
import type { TlsIdentity } from './agent';
import { HttpFailure } from './failure';

/** A secret of the configuration: itself, or the file that it stands in and may be renewed in. */
export type Secret = { value: string } | { file: string };

/** PEM files for the connections; read again when they change. */
export interface TlsFiles {
  caFile: string | null;
  certFile: string | null;
  keyFile: string | null;
}

export const NO_TLS_FILES: TlsFiles = { caFile: null, certFile: null, keyFile: null };

/** Whoever may be asked again for what it holds, because it was not accepted. */
export interface Forgetful {
  /** Has the next call read the files, whatever their stamps. */
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

/** A file by the name of its field, which messages begin with; `''`: there is none. */
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

/** A token or password as it is now. */
export class SecretReader implements Forgetful {
  readonly #file: NamedFile | null;

  /** @param field of its file, for messages */
  constructor(
    private readonly secret: Secret,
    field = '',
  ) {
    this.#file = 'file' in secret ? new NamedFile(secret.file, field) : null;
  }

  /** Without the line feed that editors and agents put after it. @throws HttpFailure */
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

  /** For a header. @throws HttpFailure which does not quote it */
  readToken(): string {
    const token = this.read();
    if (/^[\x21-\x7e]+$/.test(token)) return token;
    throw unusable(
      `the token in ${this.#file?.path ?? 'the configuration'} has white space or characters in it that no token has; is it the right file?`,
    );
  }

  forget(): void {
    this.#file?.forget();
  }
}

const HEADER = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([\t\x20-\x7e]*[\x21-\x7e])[ \t]*$/;

/** Headers as they stand in a file now, a line `Name: value` each. */
export class HeadersReader implements Forgetful {
  readonly #file: NamedFile;

  /** @param field of the file, for messages */
  constructor(path: string, field = '') {
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

/** Trust and client certificate as they are now. */
export class TlsReader implements Forgetful {
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
   * The same object while the files are as they were.
   * @throws HttpFailure naming the file that cannot be read, or does not hold what it should
   */
  read(): TlsIdentity {
    // Without a certificate in it, every public CA would be trusted instead.
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
