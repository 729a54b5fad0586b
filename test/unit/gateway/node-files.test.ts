import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, test } from 'vitest';
import { readNodeFiles } from '../../../src/gateway';
import { testFolder } from '../../support/folders';

function read(lines: (prefix: string) => string) {
  const prefix = testFolder();
  writeFileSync(join(prefix, '.kong_env'), lines(prefix));
  return readNodeFiles(prefix);
}

test.for<[string, (prefix: string) => string, { cert: string; key: string }[]]>([
  [
    'of one type',
    () => 'ssl_cert = /certs/a.crt\nssl_cert_key = /certs/a.key\n',
    [{ cert: '/certs/a.crt', key: '/certs/a.key' }],
  ],
  [
    'of two types',
    () => 'ssl_cert = /certs/rsa.crt,/certs/ec.crt\nssl_cert_key = /certs/rsa.key, /certs/ec.key\n',
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
    () => 'ssl_cert = LS0tLS1CRUdJTg==\nssl_cert_key = LS0tLS1CRUdJTg==\n',
    [],
  ],
  ['without a key for each are left alone', () => 'ssl_cert = /a.crt,/b.crt\nssl_cert_key = /a.key\n', []],
  ['that are not named', () => 'role = traditional\n', []],
])("Kong's default certificates %s", ([, lines, expected]) => {
  expect(read(lines).defaultCertificate).toEqual(expected);
});

test.for<[string, string, string | null]>([
  ['where it is', 'declarative_config = /etc/kong/kong.yml\n', '/etc/kong/kong.yml'],
  ['not at all', 'database = postgres\n', null],
  ['after a reload took the line out', '# declarative_config = /etc/kong/kong.yml\n', '/etc/kong/kong.yml'],
])('the declarative configuration is found %s', ([, lines, expected]) => {
  expect(read(() => lines).declarativeConfig).toBe(expected);
});

it('says what to do where the prefix is not that of a Kong', () => {
  expect(() => readNodeFiles('/nowhere')).toThrow(/does not exist: is Kong's prefix/);
});
