import { createCipheriv, generateKeyPairSync, scryptSync } from 'node:crypto';
import { definite } from '../support/ber';
import { jks, text, uint32, PASSWORD } from '../support/format-files';
import type { Hostile } from './corpus';

const MIB = 1024 * 1024;
const empty = Buffer.alloc(0);
const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex');
const sequence = (...parts: Buffer[]) => definite(0x30, Buffer.concat(parts));
const octets = (bytes: Buffer) => definite(0x04, bytes);
const explicit = (...parts: Buffer[]) => definite(0xa0, Buffer.concat(parts));

const OID = {
  data: hex('06092a864886f70d010701'),
  encryptedData: hex('06092a864886f70d010706'),
  pbes2: hex('06092a864886f70d01050d'),
  pbkdf2: hex('06092a864886f70d01050c'),
  scrypt: hex('06092b06010401da47040b'),
  aes256: hex('060960864801650304012a'),
  tripleDes: hex('060a2a864886f70d010c0103'),
  rc2: hex('060a2a864886f70d010c0106'),
  md5Des: hex('06092a864886f70d010503'),
  sha256: hex('0609608648016503040201'),
  safeBag: hex('060b2a864886f70d010c0a0106'),
  keyBag: hex('060b2a864886f70d010c0a0101'),
  certBag: hex('060b2a864886f70d010c0a0103'),
  x509: hex('060a2a864886f70d01091601'),
  shrouded: hex('060b2a864886f70d010c0a0102'),
} as const;

const BILLIONS = hex('02047fffffff');
const SALT = octets(Buffer.alloc(8, 1));
const AES = sequence(OID.aes256, octets(Buffer.alloc(16)));

const pbes2 = (derivation: Buffer) => sequence(OID.pbes2, sequence(derivation, AES));
const pbkdf2 = (count: Buffer) => sequence(OID.pbkdf2, sequence(SALT, count));
const scrypt = (n: string, r: string, p: string) =>
  sequence(OID.scrypt, sequence(SALT, hex(n), hex(r), hex(p)));
const old = (id: Buffer, count: Buffer) => sequence(id, sequence(SALT, count));

const pfx = (content: Buffer, mac: Buffer = empty) =>
  sequence(hex('020103'), sequence(OID.data, explicit(octets(content))), mac);
const plainSafe = (bags: Buffer) => sequence(OID.data, explicit(octets(sequence(bags))));
const encryptedSafe = (algorithm: Buffer, data = Buffer.alloc(64)) =>
  sequence(
    OID.encryptedData,
    explicit(sequence(hex('020100'), sequence(OID.data, algorithm, definite(0x80, data)))),
  );
const mac = (count: Buffer) =>
  sequence(sequence(sequence(OID.sha256), octets(Buffer.alloc(32))), SALT, count);
const shroudedBag = (algorithm: Buffer) =>
  sequence(OID.shrouded, explicit(sequence(algorithm, octets(Buffer.alloc(64)))));

const keyBag = (key: Buffer) => sequence(OID.keyBag, explicit(key));
const certBag = sequence(
  OID.certBag,
  explicit(sequence(OID.x509, explicit(octets(sequence(Buffer.alloc(300, 0x05)))))),
);
/** The end of two values with open lengths. */
const END = Buffer.alloc(4);

/** It opens: a file that was made by somebody who knows the password, or guessed it. */
const scryptSafe = (() => {
  const cost = { N: 65_536, r: 8, p: 1, maxmem: 128 * MIB };
  const key = scryptSync(PASSWORD, Buffer.alloc(8, 1), 32, cost);
  const cipher = createCipheriv('aes-256-cbc', key, Buffer.alloc(16));
  const data = Buffer.concat([cipher.update(sequence()), cipher.final()]);
  const algorithm = pbes2(scrypt('0203010000', '020108', '020101'));
  return sequence(
    OID.encryptedData,
    explicit(sequence(hex('020100'), sequence(OID.data, algorithm, definite(0x80, data)))),
  );
})();

const anyKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'der' });

/** Nested values, written from the inside out. */
function nested(depth: number, wrap: (inner: Buffer) => Buffer): Buffer {
  let value: Buffer = empty;
  for (let level = 0; level < depth; level++) value = wrap(value);
  return value;
}

const repeated = (piece: Buffer | string, size: number) => Buffer.alloc(size, piece);

/** Files that never were certificates, made to cost time, memory or stack. */
export function bombs(): Hostile[] {
  const files: [string, Buffer][] = [
    ['PKCS#12, a MAC of 2,147,483,647 iterations', pfx(sequence(), mac(BILLIONS))],
    ['PKCS#12, a MAC of 0 iterations', pfx(sequence(), mac(hex('020100')))],
    ['PKCS#12, a MAC of -1 iterations', pfx(sequence(), mac(hex('0201ff')))],
    ['PKCS#12, a MAC of 2^47 iterations', pfx(sequence(), mac(hex('02067fffffffffff')))],
    ['PKCS#12, PBKDF2 of 2,147,483,647 iterations', pfx(sequence(encryptedSafe(pbes2(pbkdf2(BILLIONS)))))],
    [
      'PKCS#12, triple DES of 2,147,483,647 iterations',
      pfx(sequence(encryptedSafe(old(OID.tripleDes, BILLIONS)))),
    ],
    ['PKCS#12, RC2 of 2,147,483,647 iterations', pfx(sequence(encryptedSafe(old(OID.rc2, BILLIONS))))],
    ...(['rc2', 'tripleDes'] as const).map((cipher): [string, Buffer] => [
      `PKCS#12, a megabyte encrypted with ${cipher}`,
      pfx(sequence(encryptedSafe(old(OID[cipher], hex('020101')), Buffer.alloc(MIB - 256)))),
    ]),
    [
      'PKCS#12, 15,000 parts encrypted with rc2',
      pfx(sequence(repeated(encryptedSafe(old(OID.rc2, hex('020101')), Buffer.alloc(8)), 1_000_000))),
    ],
    [
      'PKCS#12, a thousand keys of 500,000 iterations each',
      pfx(sequence(plainSafe(repeated(shroudedBag(pbes2(pbkdf2(hex('020307a120')))), 200_000)))),
    ],
    [
      'PKCS#12, scrypt over 256 GiB',
      pfx(sequence(encryptedSafe(pbes2(scrypt('020408000000', '020110', '020101'))))),
    ],
    [
      'PKCS#12, a hundred parts with scrypt over 64 MiB each',
      pfx(sequence(repeated(scryptSafe, 100 * scryptSafe.length))),
    ],
    [
      'PKCS#12, a key and 1,500 values in place of certificates',
      pfx(sequence(plainSafe(Buffer.concat([keyBag(anyKey()), repeated(certBag, 1_500 * certBag.length)])))),
    ],
    [
      'PKCS#12, a key and 900 values in place of certificates',
      pfx(sequence(plainSafe(Buffer.concat([keyBag(anyKey()), repeated(certBag, 900 * certBag.length)])))),
    ],
    [
      'PKCS#12, 300,000 octets in pieces of one',
      Buffer.concat([
        hex('30800201033080'),
        OID.data,
        hex('a0802480'),
        repeated(hex('040100'), 900_000),
        END,
        END,
      ]),
    ],
    [
      'PKCS#12, 80,000 octets in pieces of one',
      Buffer.concat([
        hex('30800201033080'),
        OID.data,
        hex('a0802480'),
        repeated(hex('040100'), 240_000),
        END,
        END,
      ]),
    ],
    [
      'PKCS#12, 20,000 values in place of keys',
      pfx(sequence(plainSafe(repeated(sequence(OID.keyBag, explicit(sequence())), 600_000)))),
    ],
    [
      'PKCS#12, nested safes',
      pfx(sequence(plainSafe(nested(1_000, (inner) => sequence(OID.safeBag, explicit(sequence(inner))))))),
    ],
    ['PKCS#12 of nothing', pfx(sequence())],
    ['PKCS#12 without content', pfx(empty)],
    [
      'PKCS#12, lengths left open all the way down',
      Buffer.concat([hex('3080020103'), repeated(hex('3080'), MIB - 16)]),
    ],
    [
      'PKCS#7, lengths left open all the way down',
      Buffer.concat([hex('308006092a864886f70d010702'), repeated(hex('a080'), MIB - 16)]),
    ],
    ['PKCS#7 of half a million empty values', sequenceOf(repeated(hex('3000'), 1_000_000))],
    [
      'an encrypted key, PBKDF2 of 2,147,483,647 iterations',
      sequence(pbes2(pbkdf2(BILLIONS)), octets(Buffer.alloc(64))),
    ],
    [
      'an encrypted key with single DES and 2,147,483,647 rounds',
      sequence(old(OID.md5Des, BILLIONS), octets(Buffer.alloc(64))),
    ],
    [
      'an encrypted key, scrypt with N = 2^31',
      sequence(pbes2(scrypt('02050080000000', '020108', '020101')), octets(Buffer.alloc(64))),
    ],
    [
      'an encrypted key, scrypt with p = 2^24',
      sequence(pbes2(scrypt('02020400', '020101', '020401000000')), octets(Buffer.alloc(64))),
    ],
    [
      'an encrypted key, scrypt with N = 3',
      sequence(pbes2(scrypt('020103', '020101', '020101')), octets(Buffer.alloc(64))),
    ],
    [
      'an encrypted key without a salt',
      sequence(pbes2(sequence(OID.pbkdf2, sequence())), octets(Buffer.alloc(64))),
    ],
    [
      'DER, 100,000 nested values',
      Buffer.concat([hex('3084000f4240'), repeated(hex('3084000f4240'), MIB - 16)]),
    ],
    ['DER of 300,000 tiny certificates', repeated(hex('30053003a0010130'), MIB - 16)],
    ['JKS of 4,294,967,295 entries', Buffer.concat([hex('feedfeed00000002ffffffff'), Buffer.alloc(100)])],
    [
      'JKS with a chain of 4,294,967,295',
      jksWith(uint32(1), text('a'), Buffer.alloc(8), uint32(0), uint32(0xffff_ffff)),
    ],
    ['JKS with a key of 4 GiB', jksWith(uint32(1), text('a'), Buffer.alloc(8), uint32(0xffff_ffff))],
    ['JKS with an entry of kind 9', jksWith(uint32(9), text('a'), Buffer.alloc(8))],
    ['JKS of version 3', Buffer.concat([hex('feedfeed0000000300000000'), Buffer.alloc(20)])],
    ['JKS of nothing', jks([])],
    [
      'JKS with 10,000 keys',
      jks(Array.from({ length: 10_000 }, (_, at) => ({ alias: `a${at}`, key: hex('3000'), chain: [] }))),
    ],
    ['JKS with a value in place of a key', jks([{ alias: 'a', key: hex('3000'), chain: [] }])],
    [
      'JKS with an alias of control characters',
      jks([1, 2].map((at) => ({ alias: `\n\x1b[2J${at}`, key: hex('3000'), chain: [] }))),
    ],
    ['PEM, 40,000 blocks begun', repeated('-----BEGIN CERTIFICATE-----\n', MIB - 16)],
    [
      'PEM, 20,000 empty certificates',
      repeated('-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', MIB - 16),
    ],
    [
      'PEM, a label of a megabyte',
      Buffer.concat([Buffer.from('-----BEGIN '), repeated('A', MIB - 32), Buffer.from('-----')]),
    ],
    ['PEM, an old encrypted key without a cipher', pemKey('Proc-Type: 4,ENCRYPTED\nDEK-Info: \n\nAAAA')],
    [
      'PEM, an old encrypted key with a cipher of 1 MiB',
      pemKey(`Proc-Type: 4,ENCRYPTED\nDEK-Info: ${'A'.repeat(500_000)},00\n\nAAAA`),
    ],
    [
      'PEM, something else labelled PKCS#7',
      Buffer.from('-----BEGIN PKCS7-----\nMAAwAA==\n-----END PKCS7-----\n'),
    ],
    ['a megabyte of white space', repeated(' \n', MIB - 16)],
    ['a megabyte of white space before a dot', Buffer.concat([repeated(' ', MIB - 32), Buffer.from('.')])],
    ['a megabyte of base64', repeated('QUJD', MIB - 16)],
    [
      'a megabyte of base64 and white space before a dot',
      Buffer.concat([repeated('A \t', MIB - 33), Buffer.from('=.')]),
    ],
    ['a megabyte of equal signs', repeated('=', MIB - 16)],
    ['a megabyte of meaningless UTF-16', Buffer.concat([hex('fffe'), repeated(hex('00d8'), MIB - 16)])],
    ['a compressed file', hex('1f8b0800000000000003')],
    ['an HTML page', Buffer.from('<!DOCTYPE html><html><body>Sign in</body></html>')],
    ['JSON', Buffer.from('{"error":"permission denied"}')],
  ];
  return files.map(([name, cert]) => ({ name, cert, key: empty, password: PASSWORD }));
}

const sequenceOf = (values: Buffer) =>
  sequence(
    hex('06092a864886f70d010702'),
    explicit(sequence(hex('020101'), definite(0x31, empty), sequence(OID.data), definite(0xa0, values))),
  );

const jksWith = (...parts: Buffer[]) =>
  Buffer.concat([hex('feedfeed0000000200000001'), ...parts, Buffer.alloc(20)]);

const pemKey = (body: string) =>
  Buffer.from(`-----BEGIN RSA PRIVATE KEY-----\n${body}\n-----END RSA PRIVATE KEY-----\n`);
