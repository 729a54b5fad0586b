import { isLoopback } from '../../common/loopback';
import type { Address } from '../../http';
import { SERVICE_ACCOUNT } from '../../kubernetes';
import type { Source } from '../../model';
import { identify, secretOf, serverOf } from '../remote/config';
import { REMOTE_FIELDS } from '../remote/fields';
import { LazySource } from '../remote/lazy';
import { configProblem, type ConfigOf, type SourceContext, type SourceType } from '../source-type';
import { VAULT_FIELDS } from './fields';
import type { VaultAuth } from './session';

const FIELDS = [...REMOTE_FIELDS, ...VAULT_FIELDS] as const;

type Config = ConfigOf<typeof FIELDS>;

export const VAULT: SourceType<typeof FIELDS> = {
  fields: FIELDS,
  required: ['url', 'secret_path'],
  isRemote: true,
  create: createSource,
  createTrust: createSource,
};

function createSource(config: Config, { at }: SourceContext): Source {
  const remote = serverOf(config, at, true);
  const mount = trimSlashes(config.mount ?? 'secret');
  const path = (config.secret_path ?? '').replace(/^\/+/, '');
  const namespace = config.namespace == null ? null : trimSlashes(config.namespace);
  const { kv_version: version, cert_field: cert, key_field: key, chain_field: chain } = config;
  const auth = authOf(config, remote.address, at);
  const server = { ...remote, namespace };
  const place = [...(namespace === null ? [] : [namespace]), mount, path].join('/');
  const id = `vault:${identify(remote.address).replace(/\/$/, '')}/${place}`;
  const create = config.create ?? true;
  return new LazySource(id, create, async () => {
    const { VaultSource } = await import('./source.js');
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

function authOf(config: Config, { url, socketPath }: Address, at: string): VaultAuth {
  const { role_id: roleId, role, auth_mount: mount, jwt_file: jwtFile } = config;
  const token = secretOf(config, 'token', at);
  const ways = [roleId, role, token].filter((one) => one != null).length;
  if (ways === 0 && (socketPath !== undefined || isLoopback(url.hostname))) return { method: 'agent' };
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
