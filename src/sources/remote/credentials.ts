import { createSecureContext } from 'node:tls';
import { readConfiguredFile, type FileError } from '../../common/configured-file';
import type { TlsIdentity } from '../../common/request';
import { Trouble } from './trouble';

/** A secret of the configuration: itself, or the file that it stands in and may be renewed in. */
export type Secret = { value: string } | { file: string };

/** PEM files for the connections; read anew for each look at the source. */
export interface TlsFiles {
  caFile: string | null;
  certFile: string | null;
  keyFile: string | null;
}

/** A small text file that the configuration names. @throws Trouble naming the file */
export function readConfigured(path: string): string {
  try {
    return readConfiguredFile(path);
  } catch (error) {
    const { code, message } = error as FileError;
    throw new Trouble(code === 'EFBIG' ? 'too_large' : 'unreadable', message, { cause: error });
  }
}

/** The secret as it is now; without the line feed that editors and agents put after it. @throws Trouble */
export function readSecret(secret: Secret): string {
  if ('value' in secret) return secret.value;
  const text = readConfigured(secret.file).trim();
  if (text === '') {
    throw new Trouble('unreadable', `${secret.file} is empty; it should hold a token or password`);
  }
  return text;
}

/** A secret that goes into a header. @throws Trouble which does not quote it */
export function readToken(secret: Secret): string {
  const token = readSecret(secret);
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  const where = 'file' in secret ? secret.file : 'the configuration';
  throw new Trouble(
    'unreadable',
    `the token in ${where} has white space or characters in it that no token has; is it the right file?`,
  );
}

/** @throws Trouble naming the file that cannot be read, or does not hold what it should */
export function readIdentity({ caFile, certFile, keyFile }: TlsFiles): TlsIdentity {
  const cert = readPem(certFile, 'CERTIFICATE', 'certificate');
  const key = readPem(keyFile, 'PRIVATE KEY', 'private key');
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ERR_OSSL_X509_KEY_VALUES_MISMATCH'
        ? 'the key does not belong to the certificate'
        : 'one of them is damaged, or the key is encrypted; it has to be without a password';
    throw new Trouble('unreadable', `${certFile} and ${keyFile} are no client certificate: ${why}`, {
      cause: error,
    });
  }
  // Without a certificate in it, every public CA would be trusted instead.
  return { ca: readPem(caFile, 'CERTIFICATE', 'certificate'), cert, key };
}

function readPem(path: string | null, label: string, what: string): string | undefined {
  if (path === null) return undefined;
  const text = readConfigured(path);
  if (new RegExp(`-----BEGIN [A-Z0-9 ]*${label}-----`).test(text)) return text;
  throw new Trouble('unreadable', `${path} holds no ${what} in PEM; is it the right file?`);
}
