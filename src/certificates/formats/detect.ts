import { TAG, DerReader, objectId, type DerValue } from '../der';

/** What a file can be taken for, as refusals name it. */
export const FORMATS = {
  pem: 'PEM',
  certificate: 'a DER certificate',
  pkcs8: 'a DER key (PKCS#8)',
  pkcs1: 'a DER key (PKCS#1)',
  sec1: 'a DER key (SEC1)',
  encrypted: 'an encrypted DER key (PKCS#8)',
  pkcs12: 'PKCS#12',
  pkcs7: 'PKCS#7',
  jks: 'a Java keystore (JKS)',
  jceks: 'a Java keystore (JCEKS)',
  der: 'DER of an unknown kind',
  request: 'a DER certificate request',
  archive: 'a compressed file',
  html: 'an HTML page',
  text: 'text without PEM',
  binary: 'binary data of an unknown kind',
  empty: 'an empty file',
} as const;

/** Those that are one DER value. */
export const IS_DER: ReadonlySet<Format> = new Set<Format>([
  'certificate',
  'pkcs8',
  'pkcs1',
  'sec1',
  'encrypted',
  'pkcs12',
  'pkcs7',
  'der',
  'request',
]);

export type Format = keyof typeof FORMATS;

const CONTENT_TYPES = '1.2.840.113549.1.7';
const DATA_KINDS = new Set([1, 2, 3, 4, 5, 6].map((kind) => objectId(`${CONTENT_TYPES}.${kind}`)));

/** By its first octets. */
const MAGICS: readonly [string, Format][] = [
  ['feedfeed', 'jks'],
  ['cececece', 'jceks'],
  ['1f8b', 'archive'],
  ['504b0304', 'archive'],
];

/** One file of a bundle, and what its content says it is. */
export interface DetectedFile {
  bytes: Buffer;
  format: Format;
  /** Written in base64 without PEM's lines around it, as values of stores are. */
  isBase64: boolean;
}

/** @param text one character for each octet */
export function detectFile(text: string): DetectedFile {
  const bytes = Buffer.from(withoutUtf16(text), 'latin1');
  const format = detect(bytes);
  // Without white space first: an expression that allows it anywhere takes quadratic time on pages of it.
  const dense = format === 'text' ? text.replace(/\s+/g, '') : '';
  if (!/^[A-Za-z0-9+/]{32,}={0,2}$/.test(dense)) return { bytes, format, isBase64: false };
  const decoded = Buffer.from(dense, 'base64');
  const inner = detect(decoded);
  const isMeant = inner !== 'text' && inner !== 'binary' && inner !== 'empty';
  return isMeant ? { bytes: decoded, format: inner, isBase64: true } : { bytes, format, isBase64: false };
}

/** PowerShell writes text with two octets a character. */
function withoutUtf16(text: string): string {
  const mark = text.slice(0, 2);
  if (mark !== '\xff\xfe' && mark !== '\xfe\xff') return text;
  const bytes = Buffer.from(text.slice(2, 2 + ((text.length - 2) & ~1)), 'latin1');
  return (mark === '\xff\xfe' ? bytes : bytes.swap16()).toString('utf16le');
}

/** Takes a file for what it is by its content; cheap, since only its first values are looked at. */
export function detect(bytes: Buffer): Format {
  const magic = bytes.toString('hex', 0, 4);
  const known = MAGICS.find(([start]) => magic.startsWith(start));
  if (known !== undefined) return known[1];
  if (bytes[0] === TAG.sequence) {
    const format = detectDer(bytes);
    // Text, too, may begin with a zero; short values (a key of 46 octets) have no length of their own to tell.
    if (format !== 'der' || (bytes[1] as number) >= 0x80) return format;
  }
  if (bytes.includes('-----BEGIN ')) return 'pem';
  const start = bytes.toString('latin1', 0, 512);
  if (start.trim() === '' && bytes.toString('latin1').trim() === '') return 'empty';
  if (/^\s*<(!doctype|html|\?xml)/i.test(start)) return 'html';
  // eslint-disable-next-line no-control-regex
  return /[\0-\x08\x0e-\x1f]/.test(start) ? 'binary' : 'text';
}

/** The outer SEQUENCE may be cut off: what it begins with is enough. */
function detectDer(bytes: Buffer): Format {
  try {
    const inside = new DerReader(bytes, headerLength(bytes));
    const first = header(inside);
    if (first.tag === TAG.objectId) {
      return DATA_KINDS.has(inside.text(whole(inside, first))) ? 'pkcs7' : 'der';
    }
    if (first.tag === TAG.integer) return numbered(inside, whole(inside, first));
    if (first.tag === TAG.sequence) return nested(inside, first);
  } catch {
    // Too short to tell.
  }
  return 'der';
}

/** A version first: PKCS#12, or a key. */
function numbered(inside: DerReader, version: DerValue): Format {
  const number = inside.content(version);
  const second = header(inside);
  if (second.tag === TAG.sequence) {
    const content = new DerReader(inside.bytes, second.start);
    const kind = content.text(content.next(TAG.objectId));
    if (number.equals(Buffer.of(3)) && DATA_KINDS.has(kind)) return 'pkcs12';
    return 'pkcs8';
  }
  if (second.tag === TAG.octetString) return 'sec1';
  return second.tag === TAG.integer ? 'pkcs1' : 'der';
}

/** An algorithm first is an encrypted key; what is to be signed is a certificate, or the request for one. */
function nested(inside: DerReader, first: DerValue): Format {
  const content = new DerReader(inside.bytes, first.start);
  const second = header(content);
  if (second.tag === TAG.objectId) return 'encrypted';
  if (second.tag === TAG.context0) return 'certificate';
  if (second.tag !== TAG.integer) return 'der';
  // Certificates of version 1 have a number and then an algorithm; requests a name, whose first value is a SET.
  whole(content, second);
  const third = header(content);
  const fourth = header(new DerReader(content.bytes, third.start));
  return third.tag === TAG.sequence && fourth.tag === TAG.objectId ? 'certificate' : 'request';
}

/** Octets of the outer tag and length. */
function headerLength(bytes: Buffer): number {
  const octet = bytes[1] ?? 0;
  return octet > 0x80 ? 2 + (octet & 0x7f) : 2;
}

/** Tag and start of the next value, which may be cut off; the reader stays before it. */
function header(reader: DerReader): DerValue {
  const at = reader.position;
  const tag = reader.bytes[at];
  if (tag === undefined) throw new RangeError('DER: cut off');
  return { tag, start: at + headerLength(reader.bytes.subarray(at)), end: reader.bytes.length };
}

/** The value that `header` saw; the reader goes behind it. */
const whole = (reader: DerReader, { tag }: DerValue): DerValue => reader.next(tag);

/** Whether a DER value is longer than the file: it is still being written, or was cut off. */
export function isCutOff(bytes: Buffer): boolean {
  const octet = bytes[1] ?? 0;
  const count = octet > 0x80 ? octet & 0x7f : 0;
  if (octet === 0x80 || count > 4) return false;
  if (bytes.length < 2 + count) return true;
  const length = count === 0 ? octet : bytes.readUIntBE(2, count);
  return 2 + count + length > bytes.length;
}
