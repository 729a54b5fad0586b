import { describe, expect, it, test } from 'vitest';
import type { ConfigError } from '../../../src/config';
import { completeConfig, FIELDS } from '../../../src/app/config';
import { PLUGIN_NAME, VERSION } from '../../../src/common/product';
import { showPath, toKongSchema } from '../../../src/config';
import type { KongField, NamedField } from '../../../src/config';

const DEFAULTS = {
  history: { max_mb: 16 },
  node_certificates: 'observe',
  interval: 300,
  watch: true,
  mode: 'apply',
  sources: [],
  allow_downgrade: false,
  add_names: false,
  leader_election: { enabled: false, lease: 'ssl-cert-reloader', duration: 15 },
  default_certificate: 'promote',
  write_back: false,
  takeover: 'force',
  takeover_grace: 60,
  verify: { enabled: true, timeout: 10, rollback: true, listeners: [] },
  status: {},
  admin: {},
  expiry_warning_days: [],
  freeze: [],
  alerts: { format: 'json', headers: [], allow_http: false, reminder_days: 1, grace: 120 },
  log: { level: 'info' },
};

/** Fields of sources of type kubernetes alone. */
const trust = { trust: false, resource: 'secrets' };
const secrets = { namespaces: [], names: [], only_marked: false, hosts: 'leaf', ...trust };

/** Problems of a configuration, as `path: message`. */
function problemsOf(config: unknown): string[] {
  try {
    completeConfig(config);
  } catch (error) {
    expect(error).toMatchObject({ name: 'ConfigError', code: 'CONFIG_INVALID' });
    return (error as ConfigError).problems.map(({ path, message }) => `${showPath(path)}: ${message}`);
  }
  return [];
}

describe('a configuration', () => {
  test.for([
    ['nothing at all', undefined],
    ['null, as YAML reads an empty file', null],
    ['an empty record', {}],
    [
      'nulls for everything, as Kong shows what is not set',
      Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, null])),
    ],
  ])('of %s is complete', ([, given]) => {
    expect(completeConfig(given)).toEqual(DEFAULTS);
  });

  it('keeps what is set', () => {
    const given = {
      interval: 5,
      watch: false,
      mode: 'observe',
      sources: [
        { type: 'directory', path: '/etc/kong/certs', create: false, ...secrets },
        { type: 'file', cert: '/etc/tls/tls.crt', key: '/etc/tls/tls.key', create: true, ...secrets },
        {
          type: 'kubernetes',
          namespaces: ['web'],
          names: ['www-tls'],
          label_selector: 'app=www',
          only_marked: true,
          hosts: 'references',
          trust: true,
          resource: 'configmaps',
          kubeconfig: '/etc/kubeconfig',
          context: 'prod',
        },
      ],
      allow_downgrade: true,
      add_names: true,
      trusted_issuers_file: '/etc/ca.pem',
      default_certificate: 'reload',
      node_certificates: 'reload',
      history: { max_mb: 4 },
      write_back: true,
      write_back_file: '/etc/kong/kong.yml',
      takeover: 'nudge',
      takeover_grace: 0,
      verify: {
        enabled: false,
        timeout: 300,
        rollback: false,
        listeners: ['10.0.0.1:8443', '[::1]:8443 proxy_protocol'],
      },
      status: { listen: '127.0.0.1:8110' },
      admin: { url: 'https://127.0.0.1:8444', token: 't', token_file: '/run/token', ca_file: '/etc/ca.pem' },
      expiry_warning_days: [90],
      freeze: [{ start: '0 18 * * FRI', minutes: 3_600, time_zone: 'Europe/Berlin' }],
      alerts: {
        webhook: 'https://hooks.example.test/x',
        webhook_file: '/run/webhook',
        format: 'slack',
        headers: ['X-Team: gateway'],
        token_file: '/run/token',
        ca_file: '/etc/ca.pem',
        allow_http: true,
        reminder_days: 0,
        grace: 0,
      },
      leader_election: { enabled: true, lease: 'one', namespace: 'kong', duration: 30 },
      log: { file: '/var/log/reloader.log', level: 'debug' },
      trigger: 'now',
    };
    expect(completeConfig(given)).toEqual(given);
  });

  it('fills in what is missing in its records', () => {
    expect(
      completeConfig({ verify: { timeout: 3 }, sources: [{ type: 'directory', path: '/c' }] }),
    ).toMatchObject({
      verify: { enabled: true, timeout: 3, rollback: true },
      sources: [{ type: 'directory', path: '/c', ...secrets }],
    });
  });

  it('does not share its defaults with another one', () => {
    completeConfig({}).sources.length = 1;
    completeConfig({}).verify.timeout = 1;
    expect(completeConfig({})).toEqual(DEFAULTS);
  });

  test.for(['http://127.0.0.1:8001', 'https://kong:8444', 'unix:/run/kong/admin.sock'])(
    'may name the Admin API as %s',
    (url) => {
      expect(completeConfig({ admin: { url } }).admin.url).toBe(url);
    },
  );

  test.for([
    ['', 'any text'],
    ['2026-06-01', 'a date'],
  ])('may have "%s" as trigger (%s)', ([trigger]) => {
    expect(completeConfig({ trigger })).toMatchObject({ trigger });
  });
});

describe('a bad value is refused with its path', () => {
  const directory = { type: 'directory', path: '/c' };
  test.for<[path: string, given: unknown, problem: string]>([
    ['config', [], 'expected a record'],
    ['config', 'interval: 300', 'expected a record'],
    ['config', 300, 'expected a record'],
    ['intervall', { intervall: 300 }, 'unknown field; did you mean interval?'],
    [
      'sources[0].pth',
      { sources: [{ type: 'directory', path: '/c', pth: '/c' }] },
      'unknown field; did you mean path?',
    ],
    ['verify.timout', { verify: { timout: 3 } }, 'unknown field; did you mean timeout?'],
    ['colour', { colour: 'red' }, 'unknown field; known are interval, watch, mode'],
    ['verify.listeners[0]', { verify: { listeners: ['10.0.0.1'] } }, 'must be host:port'],
    ['interval', { interval: '300' }, 'expected an integer, got text: write 300 without quotes'],
    ['interval', { interval: '5m' }, 'expected an integer, got 5m: write 300, the number of seconds'],
    ['interval', { interval: '2 h' }, 'got 2 h: write 7200, the number of seconds'],
    ['interval', { interval: 'often' }, '(a number of seconds, without a unit), such as 300'],
    ['expiry_warning_days[0]', { expiry_warning_days: ['36h'] }, 'got 36h: write 2, the number of days'],
    ['mode', { mode: 'aply' }, 'expected one of: apply, approve, observe, did you mean apply?'],
    ['watch', { watch: 'Yes' }, 'expected a boolean: write true without quotes'],
    ['status.listen', { status: { listen: '127.0.0.1:81100' } }, 'the port should be between 1 and 65535'],
    [
      'verify.listeners[0]',
      { verify: { listeners: ['10.0.0.1:70000 proxy_protocol'] } },
      'the port should be between 1 and 65535',
    ],
    ['config', { _format_version: '3.0', plugins: [] }, "this is Kong's declarative configuration"],
    ['config', { apiVersion: 'v1', kind: 'KongClusterPlugin', config: {} }, 'a resource of Kubernetes'],
    ['config', { config: { interval: 3 } }, 'give only what is below `config:`'],
    ['interval', { interval: 1.5 }, 'expected an integer'],
    ['interval', { interval: Number.NaN }, 'expected an integer'],
    ['interval', { interval: true }, 'expected an integer'],
    ['interval', { interval: 0 }, 'value should be between 1 and 86400'],
    ['interval', { interval: -300 }, 'value should be between 1 and 86400'],
    ['interval', { interval: 86_401 }, 'value should be between 1 and 86400'],
    ['watch', { watch: 'yes' }, 'expected a boolean'],
    ['mode', { mode: 'dry-run' }, 'expected one of: apply, approve, observe'],
    ['mode', { mode: 1 }, 'expected a string'],
    ['sources', { sources: '/etc/kong/certs' }, 'expected an array'],
    ['sources', { sources: directory }, 'expected an array'],
    ['sources[0]', { sources: ['/etc/kong/certs'] }, 'expected a record'],
    ['sources[0]', { sources: [[]] }, 'expected a record'],
    ['sources[1]', { sources: [directory, null] }, 'expected a record'],
    ['sources[0].type', { sources: [{ path: '/c' }] }, 'required field missing'],
    [
      'sources[0].type',
      { sources: [{ type: 'consul', path: '/c' }] },
      'expected one of: file, directory, kubernetes, vault, http',
    ],
    ['sources[0].path', { sources: [{ type: 'directory' }] }, 'required field missing'],
    ['sources[0].path', { sources: [{ type: 'directory', path: null }] }, 'required field missing'],
    ['sources[0].path', { sources: [{ type: 'directory', cert: '/c' }] }, 'required field missing'],
    ['sources[0].path', { sources: [{ type: 'directory', path: 'certs' }] }, 'expected an absolute path'],
    ['sources[0].path', { sources: [{ type: 'directory', path: '' }] }, 'expected an absolute path'],
    ['sources[1].cert', { sources: [directory, { type: 'file' }] }, 'required field missing'],
    [
      'sources[1].key',
      { sources: [directory, { type: 'file', cert: '/c', key: 'k' }] },
      'expected an absolute path',
    ],
    ['sources[0].url', { sources: [{ type: 'http' }] }, 'required field missing'],
    ['sources[0].url', { sources: [{ type: 'http', url: 'ftp://h' }] }, 'must be https://…, or http://…'],
    ['sources[0].url', { sources: [{ type: 'vault', secret_path: 'c' }] }, 'required field missing'],
    [
      'sources[0].secret_path',
      { sources: [{ type: 'vault', url: 'https://vault:8200' }] },
      'required field missing',
    ],
    ['sources[0].create', { sources: [{ ...directory, create: 'no' }] }, 'expected a boolean'],
    ['sources[0].paths', { sources: [{ ...directory, paths: [] }] }, 'unknown field'],
    ['allow_downgrade', { allow_downgrade: 'false' }, 'expected a boolean'],
    ['verify', { verify: true }, 'expected a record'],
    ['verify.timeout', { verify: { timeout: 0 } }, 'value should be between 1 and 300'],
    ['verify.timeout', { verify: { timeout: 301 } }, 'value should be between 1 and 300'],
    ['verify.rollback', { verify: { rollback: 1 } }, 'expected a boolean'],
    ['verify.retries', { verify: { retries: 1 } }, 'unknown field; known are enabled, timeout, rollback'],
    ['admin.url', { admin: { url: '127.0.0.1:8001' } }, 'must be http://…, https://… or unix:/…'],
    ['admin.url', { admin: { url: 'unix:relative' } }, 'must be http://…, https://… or unix:/…'],
    ['admin.token', { admin: { token: 5 } }, 'expected a string'],
    ['admin.token', { admin: { token: '' } }, 'length must be at least 1'],
    ['admin.token_file', { admin: { token_file: 'token' } }, 'expected an absolute path'],
    ['admin.ca_file', { admin: { ca_file: 'ca.pem' } }, 'expected an absolute path'],
    ['trigger', { trigger: 1 }, 'expected a string'],
  ])('%s: %j', ([path, given, problem]) => {
    const [found, ...others] = problemsOf(given);
    expect(others).toEqual([]);
    expect(found?.startsWith(`${path}: `)).toBe(true);
    expect(found).toContain(problem);
  });

  it('together with every other one', () => {
    const given = { interval: 0, mode: 'x', sources: [{ type: 'file' }, { type: 'directory', path: 'c' }] };
    expect(problemsOf(given).map((problem) => problem.split(': ')[0])).toEqual([
      'interval',
      'mode',
      'sources[0].cert',
      'sources[1].path',
    ]);
  });

  it.each([
    ['as the value of a file', { admin: { token_file: 's3cret-token' } }],
    ['as a number', { interval: 's3cret-token' }],
    ['as a word', { mode: 's3cret-token' }],
    ['as the name of a field', { s3cret: 1 }],
    ['as the name of a field of a source', { sources: [{ type: 'directory', path: '/c', 's3cret=': 1 }] }],
    ['as a record', { verify: 's3cret' }],
  ])('without quoting it, since it might be a token: %s', (_, given) => {
    expect(problemsOf(given)).toHaveLength(1);
    expect(problemsOf(given)[0]).not.toContain('s3cret');
  });
});

/** Every field with the path to it and a configuration around a value for it. */
function everyField(
  fields: readonly NamedField[],
  path = '',
  around: (value: unknown) => unknown = (value) => value,
): { path: string; field: KongField; set: (value: unknown) => unknown }[] {
  return fields.flatMap((named) =>
    Object.entries(named).flatMap(([name, field]) => {
      const at = path === '' ? name : `${path}.${name}`;
      const base = path.startsWith('sources')
        ? { type: 'directory', path: '/c' }
        : path.startsWith('freeze')
          ? { start: '0 0 * * *', minutes: 60 }
          : {};
      const set = (value: unknown) => around({ ...base, [name]: value });
      const below =
        field.elements === undefined
          ? everyField(field.fields ?? [], at, set)
          : everyField(field.elements.fields ?? [], `${at}[0]`, (value) => set([value]));
      return [{ path: at, field, set }, ...below];
    }),
  );
}

describe('the schema that Kong gets and the check of a file say the same:', () => {
  const all = everyField(FIELDS);
  const startOf = (path: string) => new RegExp(`^${path.replace(/[[\].]/g, '\\$&')}: `);
  const valueAt = (config: unknown, path: string) =>
    path.split(/[.[\]]+/).reduce((value, part) => (value as Record<string, unknown>)[part], config);

  test.for(all.filter(({ field }) => field.default !== undefined))(
    'the default of $path',
    ({ path, field, set }) => {
      expect(valueAt(completeConfig(set(undefined)), path)).toEqual(field.default);
      expect(valueAt(completeConfig(set(field.default)), path)).toEqual(field.default);
    },
  );

  test.for(all.filter(({ field }) => field.between !== undefined))(
    'the bounds of $path',
    ({ path, field, set }) => {
      const [least = 0, most = 0] = field.between ?? [];
      for (const value of [least, most]) expect(valueAt(completeConfig(set(value)), path)).toBe(value);
      for (const value of [least - 1, most + 1]) expect(problemsOf(set(value))[0]).toMatch(startOf(path));
    },
  );

  test.for(all.filter(({ field }) => field.one_of !== undefined))(
    'the words for $path',
    ({ path, field, set }) => {
      for (const value of field.one_of ?? []) {
        const given =
          path === 'sources[0].type'
            ? { sources: [{ type: value, path: '/c', cert: '/c', url: 'https://h', secret_path: 'c' }] }
            : set(value);
        expect(valueAt(completeConfig(given), path)).toBe(value);
      }
      expect(problemsOf(set('something else'))[0]).toMatch(startOf(path));
    },
  );

  test.for(all)('the type of $path', ({ path, field, set }) => {
    const wrong = { string: 5, integer: 'x', boolean: 'x', array: 5, record: 5 }[field.type];
    expect(problemsOf(set(wrong))[0]).toMatch(startOf(path));
  });

  it('every field has a default, is optional, or must be given', () => {
    const odd = all.filter(
      ({ field }) => field.required === true && field.default === undefined && field.type !== 'record',
    );
    expect(odd.map(({ path }) => path)).toEqual(['sources[0].type', 'freeze[0].start', 'freeze[0].minutes']);
  });

  it('the schema is JSON, as the query command prints it', () => {
    const schema = toKongSchema(FIELDS);
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });

  it("the schema has Kong's own attributes alone", () => {
    const known =
      'type description required default between one_of len_min match_any referenceable elements fields entity_checks';
    const found = new Set(
      everyField(toKongSchema(FIELDS)).flatMap(({ field }) => [
        ...Object.keys(field),
        ...Object.keys(field.elements ?? {}),
      ]),
    );
    expect([...found].filter((name) => !known.split(' ').includes(name))).toEqual([]);
  });
});

it('the plugin has the name that Kong looks for, and a version', () => {
  expect(PLUGIN_NAME).toBe('ssl-cert-reloader');
  expect(VERSION).toMatch(/^\d+\.\d+\.\d+/);
});
