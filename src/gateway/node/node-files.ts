import { join } from 'node:path';
import { readKongComment, readKongValues } from './environment';

/** Files that a Kong was started with, as far as they hold certificates. */
export interface NodeFiles {
  prefix: string;
  /** What clients without SNI get, one pair for each type of key; empty where Kong made its own. */
  defaultCertificate: { cert: string; key: string }[];
  /** Without a database, where the configuration is read from at start; null: from nowhere, or it is no file. */
  declarativeConfig: string | null;
}

const NAMES = new Set(['ssl_cert', 'ssl_cert_key', 'declarative_config']);

/** @throws Error where the prefix has no `.kong_env` that can be read */
export function readNodeFiles(prefix: string): NodeFiles {
  const values = readKongValues(prefix, (name) => NAMES.has(name));
  const certs = paths(values.get('ssl_cert'));
  const keys = paths(values.get('ssl_cert_key'));
  const [declarative = null] = paths(
    values.get('declarative_config') ??
      // A reload that keeps what was posted has left the line as a comment (see `KongReload`).
      readKongComment(prefix, 'declarative_config'),
  );
  return {
    prefix,
    defaultCertificate:
      certs.length === keys.length
        ? certs
            .map((cert, index) => ({ cert, key: keys[index] as string }))
            .filter(({ cert }) => !isOfKong(prefix, cert))
        : [],
    declarativeConfig: declarative,
  };
}

/** Without `ssl_cert` Kong makes certificates for itself, which nobody renews. */
const isOfKong = (prefix: string, path: string) => path.startsWith(join(prefix, 'ssl', 'kong-default'));

/** Kong takes certificates as text, too; that is no file, and nobody renews it. */
const paths = (list = '') =>
  list
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item.startsWith('/'));
