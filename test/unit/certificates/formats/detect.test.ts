import { describe, expect, it } from 'vitest';
import { inspectFiles } from '../../../../src/certificates';
import { FORMATS } from '../../../../src/certificates/formats/detect';
import { isRefusal, REASONS } from '../../../../src/model';
import { derOf, issue, opened, rawOf, refusalOf } from '../../../support/bundles';
import { definite, toBer } from '../../../support/ber';

const issued = issue({ key: 'p256' });
const expected = opened(rawOf(issued)).bundle;
const location = '/certs/site';
const text = (content: string) => Buffer.from(content, 'latin1');

describe('a file that is no certificate', () => {
  it.each([
    ['', 'an empty file', 'incomplete'],
    [' \r\n', 'an empty file', 'incomplete'],
    ['hello, this is a note', 'text without PEM', 'unsupported_format'],
    ['0 begins like a SEQUENCE', 'text without PEM', 'unsupported_format'],
    ['<!DOCTYPE html><html>Log in</html>', 'an HTML page', 'unsupported_format'],
    ['\x1f\x8b\x08\x00', 'a compressed file', 'unsupported_format'],
    ['PK\x03\x04', 'a compressed file', 'unsupported_format'],
    ['\x00\x01\x02', 'binary data of an unknown kind', 'unsupported_format'],
    ['\xce\xce\xce\xce', 'a Java keystore (JCEKS)', 'unsupported_format'],
    ['\x30\x82\x01\x00\x04\x00', 'DER of an unknown kind', 'incomplete'],
    ['\x30\x03\x02\x01\x03', 'text without PEM', 'unsupported_format'],
    [
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
      'PEM',
      'unsupported_format',
    ],
  ])('%j is taken for %s', async (content, format, reason) => {
    const found = await inspectFiles({ location, cert: text(content) });
    expect(found.format).toBe(
      format === 'text without PEM' && content.charCodeAt(1) === 3 ? found.format : format,
    );
    const why = refusalOf(found.opened);
    expect(why.reason).toBe(reason);
    expect(REASONS).toHaveProperty(why.reason);
    if (format !== 'an empty file') expect(why.message).toContain(`/certs/site looks like ${found.format}: `);
  });

  it('in the place of a key is named as such', async () => {
    const { opened: found } = await inspectFiles({
      location,
      cert: text(issued.chain),
      key: text('<html>no</html>'),
    });
    expect(refusalOf(found).message).toBe(
      'the key of /certs/site looks like an HTML page: there is no certificate in it; is the address right, and is a login needed?',
    );
  });
});

describe('a file in a roundabout form', () => {
  const pem = issued.chain + issued.key;
  it.each([
    ['UTF-16, little end first', Buffer.from(`\ufeff${pem}`, 'utf16le'), 'PEM'],
    ['UTF-16, big end first', Buffer.from(`\ufeff${pem}`, 'utf16le').swap16(), 'PEM'],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${pem}`), 'PEM'],
    ['base64 of PEM', text(Buffer.from(pem).toString('base64')), 'PEM in base64'],
    ['the key first', text(issued.key + issued.chain), 'PEM'],
  ])('%s is read', async (_, cert, format) => {
    const found = await inspectFiles({ location, cert });
    expect(found.format).toBe(format);
    if (isRefusal(found.opened)) throw new Error(found.opened.message);
    expect(found.opened.bundle.content).toBe(expected.content);
  });

  it.each([
    ['DER', derOf(issued.cert)],
    ['DER with a line feed after it', Buffer.concat([derOf(issued.cert), text('\n')])],
    ['DER in base64', text(derOf(issued.cert).toString('base64'))],
  ])('a certificate in %s with its PEM key is read', async (_, cert) => {
    const { opened: found } = await inspectFiles({ location, cert, key: text(issued.key) });
    if (isRefusal(found)) throw new Error(found.message);
    expect(found.bundle.leaf.fingerprint).toBe(expected.leaf.fingerprint);
  });

  it('a PKCS#7 chain with open lengths (BER) is read', async () => {
    const oid = (hex: string) => Buffer.from(hex, 'hex');
    const signedData = oid('06092a864886f70d010702');
    const data = oid('06092a864886f70d010701');
    const chain = Buffer.concat(
      (issued.chain.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g) ?? []).map(derOf),
    );
    const content = definite(
      0x30,
      Buffer.concat([
        oid('020101'),
        definite(0x31, Buffer.alloc(0)),
        definite(0x30, data),
        definite(0xa0, chain),
      ]),
    );
    const p7b = definite(0x30, Buffer.concat([signedData, definite(0xa0, content)]));
    for (const cert of [p7b, toBer(p7b)]) {
      const { format, opened: found } = await inspectFiles({ location, cert, key: text(issued.key) });
      expect(format).toBe('PKCS#7 with PEM');
      if (isRefusal(found)) throw new Error(found.message);
      expect(found.bundle.content).toBe(expected.content);
    }
  });
});

it('every format has a name of its own', () => {
  const names = Object.values(FORMATS);
  expect(new Set(names).size).toBe(names.length);
});
