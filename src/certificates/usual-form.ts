import { DerReader, TAG } from './der';
import type { ParsedCertificate } from './x509';

const VERSION = 0xa0;
const VERSION_3 = Buffer.from('a003020102', 'hex');
const EXTENSIONS = 0xa3;
const UTC_TIME = 0x17;
/** UTF8String, PrintableString, IA5String. */
const STRINGS: ReadonlySet<number> = new Set([0x0c, 0x13, 0x16]);

/** OpenSSL goes through thousands of them faster than this. */
const MOST_EXTENSIONS = 50;

/**
 * Whether a leaf has the form that nearly all have, down to each value: OpenSSL reads such a certificate whatever the
 * values are. It says nothing about the public key. Nothing that may stand at an end is empty: OpenSSL does not read an
 * empty value there whose length takes more octets than it needs.
 * @param algorithms encoded identifiers of signature algorithms
 * @throws RangeError for some other forms
 */
export function hasUsualForm({ der }: ParsedCertificate, algorithms: ReadonlyMap<string, unknown>): boolean {
  const certificate = new DerReader(der).enter();
  const tbs = certificate.enter();
  if (!isNextText(tbs, VERSION_3)) return false;
  tbs.read(VERSION);
  tbs.read(TAG.integer);
  const algorithm = isSerial(tbs) ? encoded(tbs) : '';
  if (!algorithms.has(algorithm) || !isName(tbs.enter())) return false;
  const validity = tbs.enter();
  if (!isTime(validity) || !isTime(validity) || !validity.done) return false;
  if (!isName(tbs.enter())) return false;
  tbs.read(TAG.sequence);
  const extensions = tbs.enter(EXTENSIONS);
  if (!tbs.done || !areExtensions(extensions.enter()) || !extensions.done) return false;
  if (encoded(certificate) !== algorithm) return false;
  certificate.read(TAG.bitString);
  const { start, stop } = certificate;
  // The first octet of a bit string counts its unused bits.
  return stop - start > 1 && der[start] === 0 && certificate.done;
}

/** The next value with its tag and length. */
export function encoded(reader: DerReader): string {
  const begin = reader.position;
  reader.read(TAG.sequence);
  return reader.bytes.toString('latin1', begin, reader.position);
}

const isNextText = ({ bytes, position }: DerReader, text: Buffer) =>
  text.equals(bytes.subarray(position, position + text.length));

/** Whether the INTEGER that was read last is positive and as short as it can be. */
function isSerial({ bytes, start, stop }: DerReader): boolean {
  const first = bytes[start] as number;
  return (
    stop > start && first < 0x80 && (first > 0 || stop - start === 1 || (bytes[start + 1] as number) >= 0x80)
  );
}

/** To the second, in UTC. Newer versions of OpenSSL do not read shorter ones. */
function isTime(reader: DerReader): boolean {
  const tag = reader.read();
  const { bytes, start, stop } = reader;
  const length = tag === UTC_TIME ? 13 : tag === TAG.generalizedTime ? 15 : 0;
  return stop - start === length && bytes[stop - 1] === 0x5a;
}

function isName(name: DerReader): boolean {
  const attributes = new DerReader(name.bytes);
  const attribute = new DerReader(name.bytes);
  while (!name.done) {
    name.read(TAG.set);
    attributes.moveTo(name);
    do {
      attributes.read(TAG.sequence);
      attribute.moveTo(attributes);
      attribute.read(TAG.objectId);
      if (!isObjectId(attribute) || !STRINGS.has(attribute.read()) || !isAscii(attribute)) return false;
      if (!attribute.done) return false;
    } while (!attributes.done);
  }
  return true;
}

function areExtensions(list: DerReader): boolean {
  const extension = new DerReader(list.bytes);
  let left = MOST_EXTENSIONS;
  do {
    if (left-- === 0) return false;
    list.read(TAG.sequence);
    extension.moveTo(list);
    extension.read(TAG.objectId);
    if (!isObjectId(extension)) return false;
    if (extension.isNext(TAG.boolean)) {
      extension.read();
      if (extension.stop - extension.start !== 1) return false;
    }
    extension.read(TAG.octetString);
    if (extension.start === extension.stop || !extension.done) return false;
  } while (!list.done);
  return true;
}

/** Whether the OBJECT IDENTIFIER that was read last is one: each of its numbers is whole and as short as it can be. */
function isObjectId({ bytes, start, stop }: DerReader): boolean {
  let isFirst = true;
  for (let at = start; at < stop; at++) {
    const octet = bytes[at] as number;
    if (isFirst && octet === 0x80) return false;
    isFirst = octet < 0x80;
  }
  return stop > start && isFirst;
}

/** Whether the text that was read last has printable characters, and nothing else. */
function isAscii({ bytes, start, stop }: DerReader): boolean {
  for (let at = start; at < stop; at++) {
    const octet = bytes[at] as number;
    if (octet < 0x20 || octet > 0x7e) return false;
  }
  return stop > start;
}
