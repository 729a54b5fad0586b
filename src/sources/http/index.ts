import type { Source } from '../../model';
import { headersOf, type Login } from '../../http';
import { addressOf, identify, secretOf, serverOf } from '../remote/config';
import { REMOTE_FIELDS } from '../remote/fields';
import { LazySource } from '../remote/lazy';
import { configProblem, type ConfigOf, type SourceContext, type SourceType } from '../source-type';
import type { HttpAuth } from './fetch';
import { HTTP_FIELDS } from './fields';

const FIELDS = [...REMOTE_FIELDS, ...HTTP_FIELDS] as const;

type Config = ConfigOf<typeof FIELDS>;

export const HTTP: SourceType<typeof FIELDS> = {
  fields: FIELDS,
  required: ['url'],
  isRemote: true,
  create: createSource,
  createTrust: createSource,
};

function createSource(config: Config, { at }: SourceContext): Source {
  const server = serverOf(config, at);
  const { url, login } = server.address;
  const besideUrl = (field: 'key_url' | 'chain_url'): URL | null => {
    if (config[field] == null) return null;
    const found = addressOf(config, field, at).url;
    if (found.origin === url.origin) return found;
    // They share the credentials, which are meant for one server.
    throw configProblem(at, field, 'has to be on the server of url');
  };
  const places = { url, keyUrl: besideUrl('key_url'), chainUrl: besideUrl('chain_url') };
  const auth = authOf(config, login, at);
  const further = { headers: headersOf(config.headers ?? []), headersFile: config.headers_file ?? null };
  const id = `http:${identify(server.address)}`;
  const create = config.create ?? true;
  return new LazySource(id, create, async () => {
    const { HttpSource } = await import('./source.js');
    return new HttpSource({ id, create, ...places, auth, server, further });
  });
}

function authOf(config: Config, login: Login | null, at: string): HttpAuth {
  const token = secretOf(config, 'token', at);
  const username = config.username ?? login?.username ?? '';
  const inUrl = login === null || login.password === '' ? null : { value: login.password };
  if (username !== '') {
    const password = token ?? inUrl;
    if (password === null) throw configProblem(at, 'token_file', 'required with username, as its password');
    return { kind: 'basic', username, password };
  }
  return token === null ? { kind: 'none' } : { kind: 'bearer', token };
}
