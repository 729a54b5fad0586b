import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { clientCertificateOfKong } from '../../../src/gateway/node/admin-identity';
import { issue } from '../../support/bundles';
import { testFolder } from '../../support/folders';

/** A prefix as Kong leaves it behind where Kong Operator has mounted a certificate. */
function prefixWith(usage: 'client' | 'server' | undefined, verifies = 'on') {
  const prefix = testFolder();
  const { chain, key } = issue({
    names: ['data-plane.example.test'],
    ...(usage === undefined ? {} : { usage }),
  });
  const files = { certFile: join(prefix, 'tls.crt'), keyFile: join(prefix, 'tls.key') };
  writeFileSync(files.certFile, chain);
  writeFileSync(files.keyFile, key);
  const lines = [
    'admin_listen = 0.0.0.0:8444 ssl reuseport backlog=16384',
    `admin_ssl_cert = ${files.certFile}`,
    `admin_ssl_cert_key = ${files.keyFile}`,
    `nginx_admin_ssl_verify_client = ${verifies}`,
  ];
  writeFileSync(join(prefix, '.kong_env'), `${lines.join('\n')}\n`);
  return { prefix, files };
}

it.for(['client', undefined] as const)(
  "Kong's own certificate for the Admin API is shown where that wants one (usage: %s)",
  (usage) => {
    const { prefix, files } = prefixWith(usage);
    expect(clientCertificateOfKong(prefix)).toEqual(files);
  },
);

it.for([
  ['is for servers alone', 'server', 'on'],
  ['is wanted by nobody', undefined, 'off'],
] as const)('it is not where it %s', ([, usage, verifies]) => {
  expect(clientCertificateOfKong(prefixWith(usage, verifies).prefix)).toBeNull();
});

it('nothing is shown where the prefix or the key cannot be read', () => {
  expect(clientCertificateOfKong(join(testFolder(), 'nothing'))).toBeNull();
  const { prefix } = prefixWith(undefined);
  writeFileSync(
    join(prefix, '.kong_env'),
    `nginx_admin_ssl_verify_client = on\nadmin_ssl_cert = ${prefix}/tls.crt\nadmin_ssl_cert_key = ${prefix}/none.key\n`,
  );
  expect(clientCertificateOfKong(prefix)).toBeNull();
});
