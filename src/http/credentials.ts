import { createSecureContext } from 'node:tls';
import { ConfiguredFile, type FileError } from '../common/configured-file';
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
  return new HttpFailure(why, { code: 'credentials', kind: kind === 'mistake' ? 'forbidden' : kind });
}

/** @throws HttpFailure naming the file */
function read(file: ConfiguredFile): string {
  try {
    return file.read();
  } catch (error) {
    throw unusable((error as FileError).message, error);
  }
}

/** A token or password as it is now. */
export class SecretReader implements Forgetful {
  readonly #file: ConfiguredFile | null;

  constructor(private readonly secret: Secret) {
    this.#file = 'file' in secret ? new ConfiguredFile(secret.file) : null;
  }

  /** Without the line feed that editors and agents put after it. @throws HttpFailure */
  read(): string {
    const text =
      this.#file !== null ? read(this.#file).trim() : 'value' in this.secret ? this.secret.value : '';
    rememberSecret(text);
    if (this.#file === null) return text;
    if (text === '') throw unusable(`${this.#file.path} is empty; it should hold a token or password`);
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

/** Trust and client certificate as they are now. */
export class TlsReader implements Forgetful {
  readonly #ca: ConfiguredFile | null;
  readonly #cert: ConfiguredFile | null;
  readonly #key: ConfiguredFile | null;
  #known: TlsIdentity = {};

  constructor({ caFile, certFile, keyFile }: TlsFiles) {
    const fileOf = (path: string | null) => (path === null ? null : new ConfiguredFile(path));
    [this.#ca, this.#cert, this.#key] = [fileOf(caFile), fileOf(certFile), fileOf(keyFile)];
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
    if (known.ca === ca && known.cert === cert && known.key === key) return known;
    this.check(cert, key);
    return (this.#known = { ca, cert, key });
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

function readPem(file: ConfiguredFile | null, label: string, what: string): string | undefined {
  if (file === null) return undefined;
  const text = read(file);
  if (new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text)) return text;
  throw unusable(`${file.path} holds no ${what} in PEM; is it the right file?`);
}
