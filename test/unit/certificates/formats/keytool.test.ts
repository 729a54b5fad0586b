import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectFiles } from '../../../../src/certificates';
import { isRefusal } from '../../../../src/model';
import { authorities, issue, opened, rawOf, refusalOf } from '../../../support/bundles';
import { missing, run } from '../../../support/tools';

const PASSWORD = 'changeit';
const location = '/certs/store';
const why = missing.keytool ?? missing.openssl;

describe.skipIf(why !== null)(`keystores that keytool writes [${why ?? 'found'}]`, () => {
  const site = issue({ key: 'p256' });
  const old = issue({ key: 'rsa-2048' });
  let folder = '';
  const path = (name: string) => join(folder, name);
  /** Half of a run of keytool is a compiler that has nothing to gain. */
  const QUICK = ['-J-XX:TieredStopAtLevel=1', '-J-XX:+UseSerialGC'];
  const keytool = (args: string) =>
    run('keytool', [...args.split(' '), '-noprompt', '-storepass', PASSWORD, ...QUICK]);
  const open = (name: string, more: { password?: string; alias?: string } = { password: PASSWORD }) =>
    inspectFiles({ location, cert: readFileSync(path(name)), ...more });

  /** A PKCS#12 file of openssl, which keytool takes over into stores of every kind. */
  function exported(alias: string, { chain, key }: { chain: string; key: string }): void {
    writeFileSync(path(`${alias}.crt`), chain);
    writeFileSync(path(`${alias}.key`), key);
    const args = `pkcs12 -export -in ${path(`${alias}.crt`)} -inkey ${path(`${alias}.key`)} -name ${alias} -out ${path(`${alias}.p12`)} -passout pass:${PASSWORD}`;
    run('openssl', args.split(' '));
  }
  const take = (alias: string, store: string, type: string) =>
    keytool(
      `-importkeystore -srckeystore ${path(`${alias}.p12`)} -srcstorepass ${PASSWORD} -destkeystore ${path(store)} -deststoretype ${type}`,
    );

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-keytool-'));
    exported('site', site);
    exported('old', old);
    for (const type of ['JKS', 'PKCS12', 'JCEKS']) take('site', `one.${type}`, type);
    for (const type of ['JKS', 'PKCS12']) {
      take('site', `two.${type}`, type);
      take('old', `two.${type}`, type);
      writeFileSync(path('root.pem'), authorities().root.cert);
      keytool(
        `-importcert -alias root -file ${path('root.pem')} -keystore ${path(`trust.${type}`)} -storetype ${type}`,
      );
    }
    take('site', 'keypass.JKS', 'JKS');
    keytool(`-keypasswd -alias site -new different -keystore ${path('keypass.JKS')}`);
  }, 120_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([
    ['one.JKS', undefined, site],
    ['one.PKCS12', undefined, site],
    ['two.JKS', 'old', old],
    ['two.JKS', 'SITE', site],
    ['two.PKCS12', 'old', old],
    ['two.PKCS12', 'site', site],
  ] as const)('opens %s (alias %s)', async (name, alias, issued) => {
    const { format, opened: found } = await open(name, {
      password: PASSWORD,
      ...(alias === undefined ? {} : { alias }),
    });
    expect(format).toBe(name.endsWith('JKS') ? 'a Java keystore (JKS)' : 'PKCS#12');
    if (isRefusal(found)) throw new Error(found.message);
    expect(found.bundle.content).toBe(opened(rawOf(issued)).bundle.content);
  });

  it.each([
    [
      'two.JKS',
      { password: PASSWORD },
      'alias_needed',
      /holds 2 keys \((old, site|site, old)\); name one as alias/,
    ],
    [
      'two.PKCS12',
      { password: PASSWORD },
      'alias_needed',
      /holds 2 keys \((old, site|site, old)\); name one/,
    ],
    [
      'one.JKS',
      { password: PASSWORD, alias: 'www' },
      'alias_needed',
      /no key with the alias www; it has site$/,
    ],
    ['one.JKS', { password: 'guess' }, 'encrypted_key', /the password is wrong/],
    ['one.PKCS12', { password: 'guess' }, 'encrypted_key', /the password is wrong/],
    ['one.JKS', {}, 'encrypted_key', /its source has no password/],
    ['keypass.JKS', { password: PASSWORD }, 'encrypted_key', /another password than the store/],
    ['trust.JKS', { password: PASSWORD }, 'missing_key', /no private key; a truststore/],
    ['trust.PKCS12', { password: PASSWORD }, 'missing_key', /no private key; a truststore/],
    ['one.JCEKS', { password: PASSWORD }, 'unsupported_format', /JKS and PKCS#12 keystores are read/],
  ] as const)('refuses %s with %o: %s', async (name, more, reason, words) => {
    const why = refusalOf((await open(name, more)).opened);
    expect(why.reason).toBe(reason);
    expect(why.message).toMatch(words);
    expect(why.message).toMatch(/^\/certs\/store looks like (PKCS#12|a Java keystore \((JKS|JCEKS)\)): /);
  });
});
