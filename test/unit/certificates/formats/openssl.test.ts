import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { inspectFiles, openBundle, toPem, type OpenedBundle } from '../../../../src/certificates';
import type { KeyKind } from '../../../../src/authority/authority';
import { isRefusal } from '../../../../src/model';
import { authorities, issue, opened, rawOf, refusalOf } from '../../../support/bundles';
import { testFolder } from '../../../support/folders';
import { missing, run } from '../../../support/tools';

const PASSWORD = 'pässword 1';
const openssl = (args: string, input?: string | Buffer) => run('openssl', args.trim().split(' '), input);
const location = '/certs/site';

/** Writes the three files that openssl is given, and returns their paths. */
function filesOf(kind: KeyKind) {
  const issued = issue({ key: kind });
  const folder = testFolder();
  const path = (name: string) => join(folder, name);
  const write = (name: string, content: string | Buffer) => writeFileSync(path(name), content);
  write('leaf.pem', issued.cert);
  write('chain.pem', issued.chain);
  write('intermediate.pem', authorities().intermediate.cert);
  write('root.pem', authorities().root.cert);
  write('key.pem', issued.key);
  write('password', `${PASSWORD}\n`);
  return { issued, path, write };
}

describe.skipIf(missing.openssl !== null)(`files that openssl writes [${missing.openssl ?? 'found'}]`, () => {
  const kinds: KeyKind[] = ['p256', 'p384', 'rsa-2048', 'ed25519'];

  describe.each(kinds)('%s', (kind) => {
    let files: ReturnType<typeof filesOf>;
    let expected: OpenedBundle;
    beforeEach(() => {
      files = filesOf(kind);
      expected = opened(rawOf(files.issued));
    });
    const path = (name: string) => files.path(name);
    const p12 = (options: string) =>
      openssl(
        `pkcs12 -export -inkey ${path('key.pem')} -in ${path('chain.pem')} -passout file:${path('password')} ${options}`,
      );

    it.each([
      ['PKCS#12 as openssl 3 writes it', '', null],
      ['PKCS#12 with a name', '-name site', null],
      ['PKCS#12 with a SHA-512 MAC', '-macalg sha512', null],
      ['PKCS#12 without a MAC', '-nomac', null],
      ['PKCS#12 with 100,000 iterations', '-iter 100000', null],
      ['PKCS#12 of which nothing is encrypted', '-keypbe NONE -certpbe NONE', null],
      ['PKCS#12 with AES-128', '-keypbe AES-128-CBC -certpbe AES-128-CBC', null],
      ['PKCS#12 with triple DES', '-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1', null],
      ['PKCS#12 with the root, too', '-certfile ROOT', null],
      ['PKCS#12 of openssl 1 (RC2-40)', '-legacy', missing.legacy],
      ['PKCS#12 with RC2-128', '-legacy -certpbe PBE-SHA1-RC2-128 -keypbe PBE-SHA1-RC2-40', missing.legacy],
    ])('reads %s', async (_, options, why) => {
      if (why !== null) return;
      const cert = p12(options.replace('ROOT', path('root.pem')));
      const { format, opened: found } = await inspectFiles({ location, cert, password: PASSWORD });
      expect(format).toBe('PKCS#12');
      if (isRefusal(found)) throw new Error(found.message);
      expect(found.bundle.chain).toBe(expected.bundle.chain);
      expect(found.bundle.location).toBe('/certs/site (PKCS#12)');
      expect(isRefusal(openBundle({ name: '', location, ...toPem(found) }))).toBe(false);
      // A pair that was put into another format is no change.
      expect(found.bundle.content).toBe(
        options.includes('ROOT') ? found.bundle.content : expected.bundle.content,
      );
    });

    it('says that the password is wrong, or that there is none', async () => {
      const cert = p12('');
      const wrong = refusalOf((await inspectFiles({ location, cert, password: 'guess' })).opened);
      expect(wrong.reason).toBe('encrypted_key');
      expect(wrong.message).toMatch(/^\/certs\/site looks like PKCS#12: the password is wrong/);
      const none = refusalOf((await inspectFiles({ location, cert })).opened);
      expect(none.message).toMatch(
        /^\/certs\/site looks like PKCS#12: it is encrypted and its source has no/,
      );
      expect(wrong.message + none.message).not.toContain('guess');
    });

    it('needs no password where it is empty', async () => {
      const cert = openssl(
        `pkcs12 -export -inkey ${path('key.pem')} -in ${path('chain.pem')} -passout pass:`,
      );
      for (const password of [undefined, '']) {
        const given = password === undefined ? {} : { password };
        expect(isRefusal((await inspectFiles({ location, cert, ...given })).opened)).toBe(false);
      }
    });

    const keys: [string, string, string][] = [
      ['a DER key (PKCS#8)', 'pkcs8 -topk8 -nocrypt -outform DER', ''],
      ['an encrypted DER key (PKCS#8)', 'pkcs8 -topk8 -outform DER -passout file:PASSWORD', ''],
      ['PEM', 'pkcs8 -topk8 -passout file:PASSWORD', 'encrypted PKCS#8'],
      ['PEM', 'pkcs8 -topk8 -scrypt -passout file:PASSWORD', 'encrypted with scrypt'],
      ['PEM', 'pkcs8 -topk8 -v2 des3 -passout file:PASSWORD', 'triple DES'],
      ['PEM', 'pkcs8 -topk8 -v2 aes-128-cbc -v2prf hmacWithSHA512 -passout file:PASSWORD', 'HMAC-SHA-512'],
      ['PEM', 'pkcs8 -topk8 -v1 PBE-SHA1-3DES -passout file:PASSWORD', 'PKCS#12 scheme'],
    ];
    it.each(keys)('reads a key that looks like %s: %s %s', async (name, command) => {
      const key = openssl(`${command.replace('PASSWORD', path('password'))} -in ${path('key.pem')}`);
      const cert = Buffer.from(files.issued.chain);
      const { format, opened: found } = await inspectFiles({ location, cert, key, password: PASSWORD });
      expect(format).toBe(name === 'PEM' ? 'PEM' : `PEM with ${name}`);
      if (isRefusal(found)) throw new Error(found.message);
      expect(found.bundle.content).toBe(expected.bundle.content);
      if (!command.includes('passout')) return;
      const wrong = refusalOf((await inspectFiles({ location, cert, key, password: 'guess' })).opened);
      expect(wrong.message).toBe(
        `the key of /certs/site looks like ${name}: the password is wrong; correct password, password_file or password_secret of its source`,
      );
    });

    const givenUp = ['-v1 PBE-MD5-DES', '-v1 PBE-SHA1-DES', '-v1 PBE-MD5-RC2-64', '-v2 des'];
    it.skipIf(missing.legacy !== null).each(givenUp)(
      'refuses a key with a cipher that was given up (%s), with a command that helps',
      async (scheme) => {
        const providers = '-provider legacy -provider default';
        const passwords = `-passout file:${path('password')}`;
        const key = openssl(`pkcs8 -topk8 ${scheme} ${providers} ${passwords} -in ${path('key.pem')}`);
        const cert = Buffer.from(files.issued.chain);
        const { opened: found } = await inspectFiles({ location, cert, key, password: PASSWORD });
        const why = refusalOf(found);
        expect(why.reason).toBe('unsupported_format');
        const command = /\(openssl (.+) -in OLD (.+) -out NEW\)$/.exec(why.message);
        files.write('old.pem', key);
        files.write('old-password', Buffer.from(PASSWORD));
        const again = openssl(
          `${command?.[1]} -in ${path('old.pem')} ${command?.[2]} -passin file:${path('old-password')} ${passwords}`,
        );
        const { opened: renewed } = await inspectFiles({ location, cert, key: again, password: PASSWORD });
        expect(isRefusal(renewed)).toBe(false);
      },
    );

    it('reads a DER certificate with a DER key', async () => {
      const cert = openssl(`x509 -outform DER -in ${path('leaf.pem')}`);
      const key = openssl(`pkey -outform DER -in ${path('key.pem')}`);
      const { format, opened: found } = await inspectFiles({ location, cert, key });
      expect(format).toMatch(/^a DER certificate with a DER key/);
      if (isRefusal(found)) throw new Error(found.message);
      expect(found.bundle.leaf.fingerprint).toBe(expected.bundle.leaf.fingerprint);
    });

    it.each(['PEM', 'DER'])('reads a PKCS#7 chain in %s', async (form) => {
      const cert = openssl(`crl2pkcs7 -nocrl -certfile ${path('chain.pem')} -outform ${form}`);
      const key = Buffer.from(files.issued.key);
      const { opened: found } = await inspectFiles({ location, cert, key });
      if (isRefusal(found)) throw new Error(found.message);
      expect(found.bundle.content).toBe(expected.bundle.content);
    });
  });

  it.each(['p256', 'rsa-2048'] as const)('reads an old encrypted PEM key (%s)', async (kind) => {
    const { issued, path } = filesOf(kind);
    const tool = kind === 'p256' ? 'ec' : 'rsa -traditional';
    for (const cipher of ['aes256', 'des3']) {
      const key = openssl(`${tool} -${cipher} -passout file:${path('password')} -in ${path('key.pem')}`);
      expect(key.toString()).toContain('Proc-Type: 4,ENCRYPTED');
      const cert = Buffer.from(issued.chain);
      const { opened: found } = await inspectFiles({ location, cert, key, password: PASSWORD });
      expect(isRefusal(found)).toBe(false);
      const wrong = refusalOf((await inspectFiles({ location, cert, key, password: 'guess' })).opened);
      expect(wrong.message).toContain('looks like PEM: the password is wrong');
    }
  });

  it.each([
    ['pkcs1', 'rsa -traditional', 'rsa-2048', 'a DER key (PKCS#1)'],
    ['sec1', 'ec', 'p256', 'a DER key (SEC1)'],
  ] as const)('reads an older DER key (%s)', async (_, tool, kind, name) => {
    const { issued, path } = filesOf(kind);
    const key = openssl(`${tool} -outform DER -in ${path('key.pem')}`);
    const { format, opened: found } = await inspectFiles({ location, cert: Buffer.from(issued.chain), key });
    expect(format).toBe(`PEM with ${name}`);
    expect(isRefusal(found)).toBe(false);
  });

  it('reads what openssl prints of a PKCS#12 file, with its bag attributes', async () => {
    const { path, write } = filesOf('p256');
    const out = `-passout file:${path('password')}`;
    write('a.p12', openssl(`pkcs12 -export -inkey ${path('key.pem')} -in ${path('chain.pem')} ${out}`));
    const cert = openssl(`pkcs12 -in ${path('a.p12')} -nodes -passin file:${path('password')}`);
    expect(cert.toString()).toContain('Bag Attributes');
    const { format, opened: found } = await inspectFiles({ location, cert });
    expect(format).toBe('PEM');
    expect(isRefusal(found)).toBe(false);
  });
});
