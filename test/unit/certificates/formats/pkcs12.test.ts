import { createHmac, pbkdf2Sync } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectFiles } from '../../../../src/certificates';
import type { Issued } from '../../../../src/authority/authority';
import { isRefusal } from '../../../../src/model';
import { definite, toBer, valueAt } from '../../../support/ber';
import { opened, rawOf, refusalOf } from '../../../support/bundles';
import { p12, PASSWORD, rsaIssuer } from '../../../support/format-files';

const location = '/certs/site.p12';
const hex = (digits: string) => Buffer.from(digits, 'hex');
const sequence = (...parts: Buffer[]) => definite(0x30, Buffer.concat(parts));

/** The MAC of OpenSSL 3.4's `-pbmac1_pbkdf2` (RFC 9579) in the place of the one that is there. */
function withPbmac1(file: Buffer, hmac: 'sha256' | 'sha512'): Buffer {
  const outer = valueAt(file, 0);
  const version = valueAt(file, outer.start);
  const info = valueAt(file, version.end);
  const type = valueAt(file, info.start);
  const octets = valueAt(file, valueAt(file, type.end).start);
  const content = file.subarray(octets.start, octets.end);
  const length = hmac === 'sha256' ? 32 : 64;
  const prf = sequence(hex(hmac === 'sha256' ? '06082a864886f70d0209' : '06082a864886f70d020b'), hex('0500'));
  const salt = Buffer.alloc(8, 3);
  const key = pbkdf2Sync(PASSWORD, salt, 2048, length, hmac);
  const parameters = sequence(definite(4, salt), hex('02020800'), Buffer.from([2, 1, length]), prf);
  const derivation = sequence(hex('06092a864886f70d01050c'), parameters);
  const algorithm = sequence(hex('06092a864886f70d01050e'), sequence(derivation, prf));
  const mac = createHmac(hmac, key).update(content).digest();
  const data = sequence(
    sequence(algorithm, definite(4, mac)),
    definite(4, Buffer.from('unused')),
    hex('020101'),
  );
  return sequence(file.subarray(outer.start, info.end), data);
}

describe('a PKCS#12 file', () => {
  let issued: Issued;
  let file: Buffer;
  beforeAll(() => {
    issued = rsaIssuer().issue({ names: ['www.example.test'], key: 'rsa-2048' });
    file = p12(issued.chain, issued.key, 'aes256');
  });

  it.each(['sha256', 'sha512'] as const)('with a MAC by PBMAC1 (%s) is read', async (hmac) => {
    const cert = withPbmac1(file, hmac);
    const { opened: found } = await inspectFiles({ location, cert, password: PASSWORD });
    if (isRefusal(found)) throw new Error(found.message);
    expect(found.bundle.content).toBe(opened(rawOf(issued)).bundle.content);
    const wrong = refusalOf((await inspectFiles({ location, cert, password: 'guess' })).opened);
    expect(wrong.message).toContain('the password is wrong');
  });

  it.each(['aes128', 'aes256', '3des'] as const)('with open lengths and %s is read', async (algorithm) => {
    const cert = toBer(p12(issued.chain, issued.key, algorithm));
    const { format, opened: found } = await inspectFiles({ location, cert, password: PASSWORD });
    expect(format).toBe('PKCS#12');
    expect(isRefusal(found)).toBe(false);
  });

  it('whose content was changed has a wrong MAC', async () => {
    const cert = Buffer.from(file);
    const at = Math.floor(cert.length / 2);
    cert[at] = (cert[at] ?? 0) ^ 1;
    const why = refusalOf((await inspectFiles({ location, cert, password: PASSWORD })).opened);
    expect(why.message).toContain('looks like PKCS#12: the password is wrong');
  });
});
