import { describe, expect, it, test } from 'vitest';
import { openBundle, parseCertificate } from '../../../src/certificates';
import { DerReader, objectId } from '../../../src/certificates/der';
import { isRefusal } from '../../../src/model';
import { blocksOf, derOf, issue, raw } from '../../support/bundles';

const issued = issue({ key: 'rsa-2048', names: ['www.example.test', 'api.example.test'] });
const der = derOf(issued.cert);

/** Fails when anything but a RangeError comes out. */
function parseOrRangeError(bytes: Buffer): void {
  try {
    parseCertificate(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
  }
}

const asPem = (bytes: Uint8Array) =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE-----\n`;

describe('a DER reader', () => {
  test.for([
    ['a short length', [0x04, 0x02, 1, 2], { tag: 4, start: 2, end: 4 }],
    ['no content', [0x05, 0x00], { tag: 5, start: 2, end: 2 }],
    ['a length in one more octet', [0x04, 0x81, 0x01, 9], { tag: 4, start: 3, end: 4 }],
    ['a length in four octets', [0x04, 0x84, 0, 0, 0, 1, 9], { tag: 4, start: 6, end: 7 }],
  ] as const)('reads a value with %s', ([, bytes, value]) => {
    const reader = new DerReader(Buffer.from(bytes));
    expect(reader.next()).toEqual(value);
    expect(reader.done).toBe(true);
  });

  test.for([
    ['nothing', []],
    ['a tag alone', [0x30]],
    ['content that ends too early', [0x04, 0x02, 1]],
    ['a length of more octets than there are', [0x04, 0x82, 0x01]],
    ['an indefinite length', [0x30, 0x80, 0x00, 0x00]],
    ['a length in five octets', [0x04, 0x85, 0, 0, 0, 0, 1, 9]],
    ['the largest length that can be written', [0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 9]],
    ['a length in 127 octets', [0x04, 0xff, 1, 2, 3]],
  ] as const)('refuses %s with a RangeError', ([, bytes]) => {
    expect(() => new DerReader(Buffer.from(bytes)).next()).toThrow(RangeError);
  });

  it('refuses another tag than the expected one', () => {
    expect(() => new DerReader(Buffer.of(0x04, 0x00)).next(0x30)).toThrow(RangeError);
  });

  it('reads nothing for an optional value that is missing', () => {
    const reader = new DerReader(Buffer.of(0x05, 0x00));
    expect(reader.optional(0x30)).toBeNull();
    expect(reader.optional(0x05)).not.toBeNull();
    expect(reader.optional(0x05)).toBeNull();
  });

  it('does not read beyond the enclosing value', () => {
    const reader = new DerReader(Buffer.of(0x30, 0x02, 0x04, 0x05, 1, 2, 3, 4, 5));
    const inside = reader.inside(reader.next());
    expect(() => inside.next()).toThrow(RangeError);
  });

  test.for([
    [[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b], '1.2.840.113549.1.1.11'],
    [[0x55, 0x1d, 0x11], '2.5.29.17'],
    [[0x2b, 0x65, 0x70], '1.3.101.112'],
    [[0x88, 0x37], '2.999'],
    [[0x00], '0.0'],
  ] as const)('knows the bytes %j of the object identifier %s', ([bytes, dotted]) => {
    expect(objectId(dotted)).toBe(String.fromCharCode(...bytes));
  });
});

describe('hostile bytes in place of a certificate', () => {
  it('cut off at any length are refused with a RangeError', () => {
    for (let length = 0; length < der.length; length++) {
      expect(() => parseCertificate(der.subarray(0, length)), `${length} bytes`).toThrow(RangeError);
    }
  });

  test.for([0x00, 0x01, 0x1f, 0x7f, 0x80, 0x84, 0xff])(
    'with any single byte replaced by %i cause nothing but a RangeError',
    (value) => {
      for (let at = 0; at < der.length; at++) {
        const bytes = Buffer.from(der);
        bytes[at] = value;
        parseOrRangeError(bytes);
      }
    },
  );

  it('with any four bytes replaced by a huge length cause nothing but a RangeError', () => {
    for (let at = 0; at < der.length - 5; at++) {
      const bytes = Buffer.from(der);
      bytes.set([0x84, 0xff, 0xff, 0xff, 0xff], at);
      parseOrRangeError(bytes);
    }
  });

  it('with any bit flipped cause nothing but a RangeError', () => {
    for (let bit = 0; bit < der.length * 8; bit++) {
      const bytes = Buffer.from(der);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      parseOrRangeError(bytes);
    }
  });

  it('with any stretch left out cause nothing but a RangeError', () => {
    for (let at = 0; at < der.length; at++) {
      parseOrRangeError(Buffer.concat([der.subarray(0, at), der.subarray(at + 7)]));
    }
  });

  test.for<[string, Uint8Array]>([
    ['a thousand nested sequences', Buffer.alloc(4000, Buffer.from([0x30, 0x82, 0x0f, 0x00]))],
    ['zeros', Buffer.alloc(500)],
    ['ones', Buffer.alloc(500, 0xff)],
    ['a certificate and something behind it', Buffer.concat([der, Buffer.from('more')])],
    ['two certificates in one block', Buffer.concat([der, der])],
    ['a private key', derOf(issued.key)],
    ['nothing', Buffer.alloc(0)],
  ])('that are %s are refused as a bundle', ([, bytes]) => {
    const found = openBundle(raw({ cert: asPem(bytes), key: issued.key }));
    expect(isRefusal(found) && found.reason).toBe('unsupported_format');
  });

  it('in a second block are refused, too', () => {
    const [leaf = ''] = blocksOf(issued.chain);
    const found = openBundle(raw({ cert: leaf + asPem(Buffer.from('junk')), key: issued.key }));
    expect(isRefusal(found) && found.reason).toBe('unsupported_format');
  });
});
