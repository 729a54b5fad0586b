import type { SourceConfig } from '../config';
import type { Source } from '../model';
import type { HttpAuth } from '../sources/http/fetch';
import type { Secret, TlsFiles } from '../sources/remote/credentials';
import { LaterSource } from '../sources/remote/later';
import { isLoopback } from '../common/loopback';
import { decodedPart } from '../common/url-part';
import { identify, parseAddress } from '../sources/remote/url';
import { SERVICE_ACCOUNT } from '../kubernetes';
import type { VaultAuth } from '../sources/vault/session';

/** Says where in the configuration something is wrong; never quotes a value, it may be a secret. */
export function configProblem(at: string, field: string, problem: string): Error {
  return new Error(`${at}.${field}: ${problem}`);
}

/**
 * @param at where the source stands in the configuration: `sources[0]`
 * @throws Error where fields do not go together
 */
export function createHttpSource(config: SourceConfig, at: string): Source {
  const url = addressOf(config.url ?? '', at, 'url');
  const keyUrl = config.key_url == null ? null : addressOf(config.key_url, at, 'key_url');
  if (keyUrl !== null && keyUrl.origin !== url.origin) {
    // They share the credentials, which are for one server.
    throw configProblem(at, 'key_url', 'has to be on the server of url');
  }
  const auth = httpAuthOf(config, url, at);
  const common = { tls: tlsFilesOf(config, at), timeoutMs: timeoutOf(config) };
  const id = `http:${identify(url)}`;
  const create = config.create ?? true;
  return new LaterSource(id, create, async () => {
    const { HttpSource } = await import('../sources/http/source.js');
    return new HttpSource({ id, create, url, keyUrl, auth, ...common });
  });
}

function httpAuthOf(config: SourceConfig, url: URL, at: string): HttpAuth {
  const token = secretOf(config, 'token', at);
  const username = config.username ?? decodedPart(url.username);
  const inUrl = url.password === '' ? null : { value: decodedPart(url.password) };
  if (username !== '') {
    const password = token ?? inUrl;
    if (password === null) throw configProblem(at, 'token_file', 'required with username, as its password');
    return { kind: 'basic', username, password };
  }
  return token === null ? { kind: 'none' } : { kind: 'bearer', token };
}

export function addressOf(text: string, at: string, field: string): URL {
  try {
    return parseAddress(text);
  } catch (error) {
    throw configProblem(at, field, (error as Error).message);
  }
}

/** Kong resolves references only for plugins that take part in requests, which this one does not. */
export function secretOf(config: SourceConfig, field: 'token' | 'secret_id', at: string): Secret | null {
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

export function tlsFilesOf(config: SourceConfig, at: string): TlsFiles {
  const { ca_file: caFile, client_cert_file: certFile, client_key_file: keyFile } = config;
  if ((certFile == null) !== (keyFile == null)) {
    const missing = certFile == null ? 'client_cert_file' : 'client_key_file';
    throw configProblem(at, missing, 'a client certificate and its key go together');
  }
  return { caFile: caFile ?? null, certFile: certFile ?? null, keyFile: keyFile ?? null };
}

const DEFAULT_TIMEOUT_S = 10;

export const timeoutOf = ({ timeout }: SourceConfig): number => (timeout ?? DEFAULT_TIMEOUT_S) * 1000;

/**
 * @param at where the source stands in the configuration: `sources[0]`
 * @throws Error where fields do not go together
 */
export function createVaultSource(config: SourceConfig, at: string): Source {
  const url = addressOf(config.url ?? '', at, 'url');
  const mount = trimSlashes(config.mount ?? 'secret');
  const path = (config.secret_path ?? '').replace(/^\/+/, '');
  const namespace = config.namespace == null ? null : trimSlashes(config.namespace);
  const { kv_version: version, cert_field: cert, key_field: key, chain_field: chain } = config;
  const auth = vaultAuthOf(config, url, at);
  const server = { url, namespace, tls: tlsFilesOf(config, at), timeoutMs: timeoutOf(config) };
  const place = [...(namespace === null ? [] : [namespace]), mount, path].join('/');
  const id = `vault:${identify(url).replace(/\/$/, '')}/${place}`;
  const create = config.create ?? true;
  return new LaterSource(id, create, async () => {
    const { VaultSource } = await import('../sources/vault/source.js');
    return new VaultSource({
      id,
      create,
      server,
      auth,
      mount,
      path,
      kvVersion: version === 1 || version === 2 ? version : null,
      fields: { cert: cert ?? null, key: key ?? null, chain: chain ?? null },
    });
  });
}

function vaultAuthOf(config: SourceConfig, url: URL, at: string): VaultAuth {
  const { role_id: roleId, role, auth_mount: mount, jwt_file: jwtFile } = config;
  const token = secretOf(config, 'token', at);
  const ways = [roleId, role, token].filter((one) => one != null).length;
  if (ways === 0 && isLoopback(url.hostname)) return { method: 'agent' };
  if (ways !== 1) {
    throw configProblem(
      at,
      'token_file',
      'one way to log in is needed: token_file (or token), role_id (AppRole) or role (Kubernetes)',
    );
  }
  if (token !== null) return { method: 'token', token };
  if (roleId != null) {
    const secretId = secretOf(config, 'secret_id', at);
    return { method: 'approle', mount: trimSlashes(mount ?? 'approle'), roleId, secretId };
  }
  return {
    method: 'kubernetes',
    mount: trimSlashes(mount ?? 'kubernetes'),
    role: role ?? '',
    jwtFile: jwtFile ?? `${SERVICE_ACCOUNT}/token`,
  };
}

const trimSlashes = (path: string): string => path.replace(/^\/+|\/+$/g, '');
