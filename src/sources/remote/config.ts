import { createHash } from 'node:crypto';
import type { Values } from '../../config';
import {
  parseAddress,
  parseProxy,
  type Address,
  type PeerRules,
  type Secret,
  type TlsFiles,
} from '../../http';
import { configProblem } from '../source-type';
import type { REMOTE_FIELDS } from './fields';

type Config = Values<typeof REMOTE_FIELDS>;

/** The server of a source, and how to reach it. */
export interface RemoteServer {
  address: Address;
  tls: TlsFiles;
  proxy: Address | undefined;
  /** Milliseconds for one request, redirects included. */
  timeoutMs: number;
}

const DEFAULT_TIMEOUT_S = 10;

/** Users who may answer on this machine: any other could plant a bundle or take a token. */
export const LOCAL_PEER: PeerRules = {
  advice:
    'run what answers as root or as this user, or set allow_http on the source where every user of this machine may answer',
};

/**
 * @param at position of the source in the configuration: `sources[0]`
 * @throws Error that quotes no value
 */
export function serverOf(config: Config, at: string, unix = false): RemoteServer {
  const address = addressOf(config, 'url', at, unix);
  const { ca_file: caFile, client_cert_file: certFile, client_key_file: keyFile } = config;
  if ((certFile == null) !== (keyFile == null)) {
    const missing = certFile == null ? 'client_cert_file' : 'client_key_file';
    throw configProblem(at, missing, 'a client certificate and its key go together');
  }
  return {
    address,
    tls: { caFile: caFile ?? null, certFile: certFile ?? null, keyFile: keyFile ?? null },
    proxy: proxyOf(config, address, at),
    timeoutMs: (config.timeout ?? DEFAULT_TIMEOUT_S) * 1000,
  };
}

export function addressOf<Field extends 'url' | 'key_url' | 'chain_url'>(
  config: Partial<Record<Field, string | null>> & Pick<Config, 'allow_http'>,
  field: Field,
  at: string,
  unix = false,
): Address {
  const rules = { allowHttp: config.allow_http === true, allowHttpBy: 'allow_http on the source', unix };
  try {
    return parseAddress(config[field] ?? '', rules);
  } catch (error) {
    throw configProblem(at, field, (error as Error).message);
  }
}

function proxyOf({ proxy }: Config, address: Address, at: string): Address | undefined {
  if (proxy == null) return undefined;
  try {
    return parseProxy(proxy, address);
  } catch (error) {
    throw configProblem(at, 'proxy', (error as Error).message);
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

/** Stable across restarts; addresses that differ only in their query are different. */
export function identify({ url, shown }: Address): string {
  if (url.search === '') return shown;
  return `${shown}(${createHash('sha256').update(url.search).digest('hex').slice(0, 8)})`;
}
