import { describe, expect, it, test } from 'vitest';
import {
  readHostArguments,
  readServerArguments,
  isQueryCommand,
  strayArgument,
} from '../../../src/app/arguments';
import { createSources, USUAL_PLACES } from '../../../src/sources';
import { plugin } from '../../../src/app/plugin';
import { completeConfig } from '../../../src/app/config';

const nothing = { dump: false, prefix: null, adminUrl: null, allowHttp: false };

describe('the arguments of the plugin server', () => {
  test.for<[string, Partial<typeof nothing> | object]>([
    ['', {}],
    ['-dump', { dump: true }],
    ['--dump', { dump: true }],
    ['-dump-all-plugins', { dump: true }],
    ['--dump-all-plugins', { dump: true }],
    ['--dump-plugin-info ssl-cert-reloader', { dump: true }],
    ['-p /usr/local/kong', { prefix: '/usr/local/kong' }],
    ['-kong-prefix /opt/kong', { prefix: '/opt/kong' }],
    ['--kong-prefix /opt/kong', { prefix: '/opt/kong' }],
    ['--kong-prefix=/opt/kong', { prefix: '/opt/kong' }],
    ['--prefix=/opt/kong', { prefix: '/opt/kong' }],
    ['--admin-url http://127.0.0.1:8001', { adminUrl: 'http://127.0.0.1:8001' }],
    ['--admin-url=http://127.0.0.1:8001/?a=b', { adminUrl: 'http://127.0.0.1:8001/?a=b' }],
    ['--allow-http -p /a', { allowHttp: true, prefix: '/a' }],
    ['-p /a --admin-url unix:/b -dump', { dump: true, prefix: '/a', adminUrl: 'unix:/b' }],
    ['-p /a -p /b', { prefix: '/a' }],
    ['-d /plugins -p /a', { prefix: '/a' }],
    ['-p', {}],
    ['--unknown value', {}],
    ['--dumping', {}],
    ['--prefixes=/a', {}],
  ])('"%s"', ([line, expected]) => {
    expect(readServerArguments(line.split(' ').filter(Boolean))).toEqual({ ...nothing, ...expected });
  });
});

test.for([
  ['', null],
  ['-p /a --admin-url unix:/b', null],
  ['--prefix=/a --admin-url=http://127.0.0.1:8001', null],
  ['-dump', null],
  ['-p', null],
  ['--json status', '--json'],
  ['-p /a status', 'status'],
  ['-prefix=/a', '-prefix=/a'],
  ['-c reloader.yml', '-c'],
] as const)('"%s" holds an argument that is none of a plugin server: %s', ([line, expected]) => {
  expect(strayArgument(line.split(' ').filter(Boolean))).toBe(expected);
});

test.for([
  ['/usr/local/bin/query_ssl-cert-reloader', true],
  ['/usr/local/bin/ssl-cert-reloader', false],
] as const)('%s is the query command of Kong before 3.9: %s', ([program, expected]) => {
  expect(isQueryCommand(program)).toBe(expected);
});

describe('the process in which the plugin is loaded', () => {
  const server = '/usr/lib/node_modules/kong-pdk/bin/kong-js-pluginserver';
  test.for<[string, string[], object | null]>([
    ["kong-pdk's server", [server, '-d', '/plugins'], nothing],
    [
      "kong-pdk's server with a prefix",
      [server, '--kong-prefix', '/opt/kong', '-d', '/p'],
      { ...nothing, prefix: '/opt/kong' },
    ],
    ["kong-pdk's server that is asked what it has", [server, '-d', '/plugins', '--dump-all-plugins'], null],
    ['another program', ['/usr/bin/vitest', 'run'], null],
    ['no program', [], null],
  ])('is %s: %j', ([, argv, expected]) => {
    expect(readHostArguments(['/usr/bin/node', ...argv])).toEqual(expected);
  });

  it('may have no arguments at all', () => {
    expect(readHostArguments([])).toBeNull();
  });
});

describe('the sources of a configuration', () => {
  const ids = (config: unknown) =>
    createSources(completeConfig(config), () => false).sources.map(({ id, create }) => `${id} ${create}`);

  it('are those that it names', () => {
    const sources = [
      { type: 'directory', path: '/etc/kong/tls' },
      { type: 'file', cert: '/a/tls.crt', key: '/a/tls.key', create: false },
      { type: 'file', cert: '/b/both.pem' },
    ];
    expect(ids({ sources })).toEqual([
      'directory:/etc/kong/tls true',
      'file:/a/tls.crt false',
      'file:/b/both.pem true',
    ]);
  });

  it('have ids of their own, also where they look at one cluster or at Secrets of the same names', () => {
    const kubernetes = (fields: object) => ({ type: 'kubernetes', create: false, ...fields });
    const sources = [
      kubernetes({}),
      kubernetes({ namespaces: ['shop', 'blog'] }),
      kubernetes({ namespaces: ['shop'], label_selector: 'tier=edge' }),
      kubernetes({ only_marked: true }),
      kubernetes({ only_marked: true }),
      kubernetes({ kubeconfig: '/etc/east' }),
      kubernetes({ kubeconfig: '/etc/both', context: 'west' }),
      kubernetes({ kubeconfig: '/etc/both', context: 'north' }),
      kubernetes({ kubeconfig: '/etc/both', context: 'north', names: ['www'] }),
    ];
    const expected = [
      'kubernetes false',
      'kubernetes:tls:shop,blog:: false',
      'kubernetes:tls:shop::tier=edge false',
      'kubernetes:tls::::marked false',
      'kubernetes:tls::::marked:2 false',
      'kubernetes:/etc/east false',
      'kubernetes:west@/etc/both false',
      'kubernetes:north@/etc/both false',
      'kubernetes:north@/etc/both:tls::www: false',
    ];
    expect(ids({ sources })).toEqual(expected);
    expect(ids({ sources }), 'after a restart').toEqual(expected);
  });

  it.each([{}, { namespaces: ['shop'] }, { names: ['www'] }])(
    'have the plain id of the cluster that the gateway is in where there is one alone: %j',
    (fields) => {
      expect(ids({ sources: [{ type: 'kubernetes', create: false, ...fields }] })).toEqual([
        'kubernetes false',
      ]);
    },
  );

  it('are the usual places where it names none, and nothing is created from those', () => {
    expect(ids({})).toEqual(USUAL_PLACES.map((path) => `directory:${path} false`));
  });

  it('need not exist where they are only the usual places', async () => {
    const { sources } = createSources(completeConfig({}), () => false);
    for (const source of sources) expect((await source.scan()).errors).toEqual([]);
  });
});

it('the plugin has no method that Kong calls in a handshake or a request', () => {
  const methods = Object.getOwnPropertyNames(plugin.Plugin.prototype);
  expect(methods).toEqual(['constructor']);
});
