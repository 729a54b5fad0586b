import type { Values } from '../../config';
import { configProblem } from '../source-type';
import type { Secret, TlsFiles } from './credentials';
import type { REMOTE_FIELDS } from './fields';
import { parseAddress } from './url';

type Config = Values<typeof REMOTE_FIELDS>;

const DEFAULT_TIMEOUT_S = 10;

export const timeoutOf = ({ timeout }: Config): number => (timeout ?? DEFAULT_TIMEOUT_S) * 1000;

/** @param at where the source stands in the configuration: `sources[0]` */
export function addressOf(text: string, at: string, field: string): URL {
  try {
    return parseAddress(text);
  } catch (error) {
    throw configProblem(at, field, (error as Error).message);
  }
}

/** Kong resolves references only for plugins that take part in requests, which this one does not. */
export function secretOf<Field extends 'token' | 'secret_id'>(
  config: Partial<Record<Field | `${Field}_file`, string | null>>,
  field: Field,
  at: string,
): Secret | null {
  const file = config[`${field}_file`];
  if (file != null) return { file };
  const value = config[field];
  if (value == null) return null;
  if (value.startsWith('{vault://')) {
    throw configProblem(
      at,
      field,
      `is a vault reference, which Kong resolves only for plugins that run in requests; use ${field}_file`,
    );
  }
  return { value };
}

export function tlsFilesOf(config: Config, at: string): TlsFiles {
  const { ca_file: caFile, client_cert_file: certFile, client_key_file: keyFile } = config;
  if ((certFile == null) !== (keyFile == null)) {
    const missing = certFile == null ? 'client_cert_file' : 'client_key_file';
    throw configProblem(at, missing, 'a client certificate and its key go together');
  }
  return { caFile: caFile ?? null, certFile: certFile ?? null, keyFile: keyFile ?? null };
}
