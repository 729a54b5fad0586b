import { TAG, DerReader, objectId, type DerValue } from '../der';

/** Formats of files, with the names that refusals use. */
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

/** Formats that are a single DER value. */
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

/** Formats by their first octets. */
const MAGICS: readonly [string, Format][] = [
  ['feedfeed', 'jks'],
  ['cececece', 'jceks'],
  ['1f8b', 'archive'],
  ['504b0304', 'archive'],
];

/** One file of a bundle with its detected format. */
export interface DetectedFile {
  bytes: Buffer;
  format: Format;
  /** Base64 without the lines of PEM around it, as secret stores hold it. */
  isBase64: boolean;
}

/** @param text one character for each octet */
export function detectFile(text: string): DetectedFile {
  const bytes = Buffer.from(withoutUtf16(text), 'latin1');
  const format = detect(bytes);
  // White space is removed first: a regular expression that allows it anywhere takes quadratic time.
  const dense = format === 'text' ? text.replace(/\s+/g, '') : '';
  if (!/^[A-Za-z0-9+/]{32,}={0,2}$/.test(dense)) return { bytes, format, isBase64: false };
  const decoded = Buffer.from(dense, 'base64');
  const inner = detect(decoded);
  const isMeant = inner !== 'text' && inner !== 'binary' && inner !== 'empty';
  return isMeant ? { bytes: decoded, format: inner, isBase64: true } : { bytes, format, isBase64: false };
}

/** PowerShell writes text in UTF-16. */
function withoutUtf16(text: string): string {
  const mark = text.slice(0, 2);
  if (mark !== '\xff\xfe' && mark !== '\xfe\xff') return text;
  const bytes = Buffer.from(text.slice(2, 2 + ((text.length - 2) & ~1)), 'latin1');
  return (mark === '\xff\xfe' ? bytes : bytes.swap16()).toString('utf16le');
}

/** Detects a format by content; cheap, since only the first values are looked at. */
function detect(bytes: Buffer): Format {
  const magic = bytes.toString('hex', 0, 4);
  const known = MAGICS.find(([start]) => magic.startsWith(start));
  if (known !== undefined) return known[1];
  if (bytes[0] === TAG.sequence) {
    const format = detectDer(bytes);
    // A text may begin with a zero, too. Short values (a key of 46 octets) have no length octets to check.
    if (format !== 'der' || (bytes[1] as number) >= 0x80) return format;
  }
  if (bytes.includes('-----BEGIN ')) return 'pem';
  const start = bytes.toString('latin1', 0, 512);
  if (start.trim() === '' && bytes.toString('latin1').trim() === '') return 'empty';
  if (/^\s*<(!doctype|html|\?xml)/i.test(start)) return 'html';
  // eslint-disable-next-line no-control-regex
  return /[\0-\x08\x0e-\x1f]/.test(start) ? 'binary' : 'text';
}

/** The outer SEQUENCE may be cut off: its beginning is enough. */
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

/** A leading version means PKCS#12, or a key. */
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

/** A leading algorithm means an encrypted key; a leading SEQUENCE to be signed a certificate, or a request for one. */
function nested(inside: DerReader, first: DerValue): Format {
  const content = new DerReader(inside.bytes, first.start);
  const second = header(content);
  if (second.tag === TAG.objectId) return 'encrypted';
  if (second.tag === TAG.context0) return 'certificate';
  if (second.tag !== TAG.integer) return 'der';
  // A version 1 certificate has a number and then an algorithm; a request has a name, whose first value is a SET.
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

/** Tag and start of the next value, which may be cut off. Does not advance the reader. */
function header(reader: DerReader): DerValue {
  const at = reader.position;
  const tag = reader.bytes[at];
  if (tag === undefined) throw new RangeError('DER: cut off');
  return { tag, start: at + headerLength(reader.bytes.subarray(at)), end: reader.bytes.length };
}

/** The value that `header` saw; advances the reader. */
const whole = (reader: DerReader, { tag }: DerValue): DerValue => reader.next(tag);

/** Whether a DER value is longer than the file: the file is still being written, or was cut off. */
export function isCutOff(bytes: Buffer): boolean {
  const octet = bytes[1] ?? 0;
  const count = octet > 0x80 ? octet & 0x7f : 0;
  if (octet === 0x80 || count > 4) return false;
  if (bytes.length < 2 + count) return true;
  const length = count === 0 ? octet : bytes.readUIntBE(2, count);
  return 2 + count + length > bytes.length;
}
