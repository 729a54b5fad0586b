import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { KongNode, type NodeFacts } from '../../../src/gateway';
import { parseServers, parseWorkers, settingIn } from '../../../src/gateway/node/nginx-conf';
import { testFolder } from '../../support/folders';

/** Files that a real Kong 3.9.1 wrote into its prefix, without secrets. */
const recorded = (name: string) => readFileSync(join(__dirname, 'prefix', name), 'utf8');

function prefixWith(lines: string | ((prefix: string) => string)): string {
  const prefix = testFolder();
  writeFileSync(join(prefix, '.kong_env'), typeof lines === 'string' ? lines : lines(prefix));
  return prefix;
}

describe('the TLS settings of the listeners', () => {
  const lines = 'ssl_protocols = TLSv1.1\nnginx_http_ssl_protocols = TLSv1.2\n';
  it('is what stands nearest to them', () => {
    expect(read(lines).tlsSettings.protocols).toBe('TLSv1.2');
    expect(read(`${lines}nginx_proxy_ssl_protocols = TLSv1.3\n`).tlsSettings.protocols).toBe('TLSv1.3');
    const conf =
      'ssl_protocols TLSv1.2;\nserver {\n    ssl_protocols TLSv1.3;\n}\nserver {\n    ssl_protocols X;\n}\n';
    expect(settingIn(conf, 'ssl_protocols')).toBe('TLSv1.3');
    expect(settingIn(conf, 'ssl_ciphers')).toBeUndefined();
  });
});

const read = (lines: string | ((prefix: string) => string)) => new KongNode(prefixWith(lines)).read();

describe('the files that Kong wrote into its prefix', () => {
  it('tells where the Admin API is, unix sockets first, and where TLS ends', () => {
    const { admin, tls } = read(
      [
        'admin_listen = 127.0.0.1:8444 http2 ssl, 127.0.0.1:8001 reuseport, unix:/run/admin.sock, unix:/run/tls.sock ssl, [::1]:8001',
        'proxy_listen = 0.0.0.0:8000, 0.0.0.0:8443 http2 ssl, [::]:8443 ssl proxy_protocol, unix:/run/proxy.sock ssl',
        'stream_listen = 0.0.0.0:9000, 0.0.0.0:9443 ssl reuseport',
      ].join('\n'),
    );
    expect(admin).toEqual([
      { url: 'unix:/run/admin.sock' },
      { url: 'http://127.0.0.1:8001' },
      { url: 'http://[::1]:8001' },
      { url: 'https://127.0.0.1:8444' },
    ]);
    expect(tls).toEqual([
      { host: '127.0.0.1', port: 8443, proxyProtocol: false },
      { host: '::1', port: 8443, proxyProtocol: true },
      { host: '127.0.0.1', port: 9443, proxyProtocol: false, isStream: true },
    ]);
  });

  it('names the certificates of the node that are in use, but for those that Kong made', () => {
    const lines = (prefix: string) =>
      [
        'role = traditional',
        'admin_listen = 127.0.0.1:8001, 127.0.0.1:8444 http2 ssl',
        'admin_ssl_cert = /etc/kong/admin.crt',
        'admin_ssl_cert_key = /etc/kong/admin.key',
        // It speaks no TLS.
        'admin_gui_listen = 127.0.0.1:8002',
        'admin_gui_ssl_cert = /etc/kong/gui.crt',
        'admin_gui_ssl_cert_key = /etc/kong/gui.key',
        'status_listen = 127.0.0.1:8007 ssl',
        `status_ssl_cert = ${prefix}/ssl/status-kong-default.crt`,
        `status_ssl_cert_key = ${prefix}/ssl/status-kong-default.key`,
        'client_ssl_cert = /etc/kong/client.crt',
        'client_ssl_cert_key = /etc/kong/client.key',
        'cluster_cert = /etc/kong/cluster.crt',
        'cluster_cert_key = /etc/kong/cluster.key',
        'cluster_listen = 127.0.0.1:8005',
      ].join('\n');
    const listener = (port: number) => ({ host: '127.0.0.1', port, proxyProtocol: false });
    const pair = (use: string) => ({ use, cert: `/etc/kong/${use}.crt`, key: `/etc/kong/${use}.key` });
    expect(read(lines).nodeCertificates).toEqual([
      { ...pair('admin'), listeners: [listener(8444)] },
      { ...pair('client'), listeners: [] },
    ]);
    const asPlane = (role: string) =>
      read((prefix) => lines(prefix).replace('traditional', role)).nodeCertificates;
    expect(asPlane('control_plane')).toContainEqual({ ...pair('cluster'), listeners: [listener(8005)] });
    expect(asPlane('data_plane')).toContainEqual({ ...pair('cluster'), listeners: [] });
  });

  it.each<[role: string, mtls: string, uses: string[]]>([
    ['traditional', 'shared', ['trusted_ca', 'trusted_ca']],
    ['control_plane', 'shared', ['trusted_ca', 'trusted_ca']],
    ['control_plane', 'pki', ['trusted_ca', 'trusted_ca', 'cluster_ca']],
  ])('names the CA certificates that Kong trusts as %s with cluster_mtls = %s', (role, mtls, uses) => {
    const { trusted } = read(
      [
        `role = ${role}`,
        `cluster_mtls = ${mtls}`,
        'lua_ssl_trusted_certificate = system,/etc/ssl/certs/ca-certificates.crt,/etc/kong/ca.crt',
        'cluster_ca_cert = /etc/kong/cluster-ca.crt',
      ].join('\n'),
    );
    expect(trusted.map(({ use }) => use)).toEqual(uses);
    expect(trusted.map(({ path }) => path)).toContain('/etc/kong/ca.crt');
  });

  it('may say that the Admin API is off', () => {
    expect(read('admin_listen = off\n')).toMatchObject({ admin: [], tls: [] });
  });

  it('is read for known names only: no secret of the file is kept', () => {
    const node = new KongNode(
      prefixWith(
        'pg_password = s3cret\nadmin_listen = 127.0.0.1:8001\nadmin_gui_auth = s3cret\nvault_hcv_token = s3cret\n',
      ),
    );
    expect(JSON.stringify(node.read())).not.toContain('s3cret');
  });

  it('is not confused by values with equal and hash signs', () => {
    const { admin } = read(
      '# admin_listen = 9.9.9.9:1\nlua_package_path = ./?.lua;admin_listen = x\nadmin_listen = 127.0.0.1:8001\n',
    );
    expect(admin).toEqual([{ url: 'http://127.0.0.1:8001' }]);
  });

  it('that is missing is asked for in a sentence that names the way out', () => {
    const prefix = testFolder();
    expect(() => new KongNode(prefix).read()).toThrow(
      `${prefix}/.kong_env does not exist: is Kong's prefix ${prefix}? Give it with -p, or the Admin API with --admin-url`,
    );
    expect(new KongNode(prefix).tryRead()).toBeNull();
  });

  it('that cannot be read says why', () => {
    const prefix = testFolder();
    mkdirSync(join(prefix, '.kong_env'));
    expect(() => new KongNode(prefix).read()).toThrow(
      /\.kong_env cannot be read \(EISDIR\): run as Kong's user/,
    );
  });

  it('is read again only when a reload has changed it', () => {
    const prefix = prefixWith('proxy_listen = 127.0.0.1:8443 ssl\n');
    const node = new KongNode(prefix);
    const first = node.read();
    expect(node.read()).toBe(first);
    writeFileSync(join(prefix, 'new'), 'proxy_listen = 127.0.0.1:9443 ssl\n');
    renameSync(join(prefix, 'new'), join(prefix, '.kong_env'));
    expect(node.read().tls.map(({ port }) => port)).toEqual([9443]);
    rmSync(join(prefix, '.kong_env'));
    expect(node.tryRead()).toBeNull();
  });
});

describe('a prefix whose .kong_env is for root alone', () => {
  function prefixOfNginx(): string {
    const prefix = testFolder();
    for (const name of ['nginx-kong.conf', 'nginx-kong-stream.conf', 'nginx.conf']) {
      copyFileSync(join(__dirname, 'prefix', name), join(prefix, name));
    }
    // Root reads everything.
    mkdirSync(join(prefix, '.kong_env'));
    return prefix;
  }

  it('tells by what Kong wrote for nginx what .kong_env would have told', () => {
    const ofEnv = new KongNode(prefixWith(recorded('kong_env'))).read();
    const prefix = prefixOfNginx();
    const ofNginx = new KongNode(prefix).read();
    expect(ofNginx.from).toBe(join(prefix, 'nginx-kong.conf'));
    expect(ofEnv.admin.map(({ url }) => url)).toEqual(['http://127.0.0.1:27001', 'https://127.0.0.1:27444']);
    expect(ofEnv.tls.map(({ port, isStream }) => [port, isStream === true])).toEqual([
      [27443, false],
      [27543, false],
      [27101, true],
    ]);
    expect(ofEnv.workers).toBe(2);
    expect(ofEnv.tlsSettings.protocols).toBe('TLSv1.2 TLSv1.3');
    expect(ofEnv.tlsSettings.ciphers).toContain('ECDHE-RSA-AES128-GCM-SHA256');
    const known = ({ admin, tls, workers, tlsSettings }: NodeFacts) => ({ admin, tls, workers, tlsSettings });
    expect(known(ofNginx)).toEqual(known(ofEnv));
  });

  it('has no default certificates of its own where Kong made them', () => {
    const prefix = prefixOfNginx();
    const path = join(prefix, 'nginx-kong.conf');
    const text = readFileSync(path, 'utf8').replaceAll('/usr/local/kong', prefix);
    writeFileSync(path, text);
    expect(new KongNode(prefix).read().defaultCertificate).toEqual([]);
    writeFileSync(path, text.replaceAll(`${prefix}/ssl/kong-default.`, '/certs/www.'));
    expect(new KongNode(prefix).read().defaultCertificate).toEqual([
      { cert: '/certs/www.crt', key: '/certs/www.key' },
    ]);
  });

  it('has no stream listener where there is no stream proxy', () => {
    const prefix = prefixOfNginx();
    rmSync(join(prefix, 'nginx-kong-stream.conf'));
    expect(new KongNode(prefix).read().tls.map(({ port }) => port)).toEqual([27443, 27543]);
  });

  it.skipIf(process.geteuid?.() === 0)('is that of a Kong that root started', () => {
    const prefix = prefixOfNginx();
    rmSync(join(prefix, '.kong_env'), { recursive: true });
    writeFileSync(join(prefix, '.kong_env'), recorded('kong_env'));
    chmodSync(join(prefix, '.kong_env'), 0o000);
    expect(new KongNode(prefix).read().from).toBe(join(prefix, 'nginx-kong.conf'));
  });
});

test.for<[string, string | ((prefix: string) => string), { cert: string; key: string }[]]>([
  [
    'of one type',
    'ssl_cert = /certs/a.crt\nssl_cert_key = /certs/a.key\n',
    [{ cert: '/certs/a.crt', key: '/certs/a.key' }],
  ],
  [
    'of two types',
    'ssl_cert = /certs/rsa.crt,/certs/ec.crt\nssl_cert_key = /certs/rsa.key, /certs/ec.key\n',
    [
      { cert: '/certs/rsa.crt', key: '/certs/rsa.key' },
      { cert: '/certs/ec.crt', key: '/certs/ec.key' },
    ],
  ],
  [
    "that Kong made for itself are nobody's to renew",
    (prefix) =>
      `ssl_cert = ${prefix}/ssl/kong-default.crt,${prefix}/ssl/kong-default-ecdsa.crt\n` +
      `ssl_cert_key = ${prefix}/ssl/kong-default.key,${prefix}/ssl/kong-default-ecdsa.key\n`,
    [],
  ],
  [
    'that are given as text are no files',
    'ssl_cert = LS0tLS1CRUdJTg==\nssl_cert_key = LS0tLS1CRUdJTg==\n',
    [],
  ],
  ['without a key for each are left alone', 'ssl_cert = /a.crt,/b.crt\nssl_cert_key = /a.key\n', []],
  ['that are not named', 'role = traditional\n', []],
])("Kong's default certificates %s", ([, lines, expected]) => {
  expect(read(lines).defaultCertificate).toEqual(expected);
});

test.for<[string, string, string | null]>([
  ['where it is', 'declarative_config = /etc/kong/kong.yml\n', '/etc/kong/kong.yml'],
  ['not at all', 'database = postgres\n', null],
  ['after a reload took the line out', '# declarative_config = /etc/kong/kong.yml\n', '/etc/kong/kong.yml'],
])('the declarative configuration is found %s', ([, lines, expected]) => {
  expect(read(lines).declarativeConfig).toBe(expected);
});

test.for<[string, string, number | null]>([
  ['a number', 'worker_processes 4;\n', 4],
  ['auto', 'worker_processes auto;\n', null],
  ['nothing', '', null],
])('workers that are %s', ([, text, expected]) => {
  expect(parseWorkers(text)).toBe(expected);
});

it('braces in the Lua code of a server do not end it', () => {
  const text = `server {\n    listen 1.2.3.4:1 ssl;\n    x_by_lua_block {\n        local t = { -- }\n        }\n    server_name kong;\n}\nserver { # {\n    listen 5.6.7.8:2;\n}\n`;
  expect(parseServers(text).map(({ name, listens }) => [name, listens])).toEqual([
    ['kong', ['1.2.3.4:1 ssl']],
    ['', ['5.6.7.8:2']],
  ]);
});
