import { isRefusal, refusal, type RawBundle, type Reason, type Refusal } from '../../model';
import { openBundle, type OpenedBundle } from '../bundle';
import { decodePem, encodeCertificates, isCertificate, isPrivateKey } from '../pem';
import type { PemContent } from '../pem-content';
import { detectFile, FORMATS, type DetectedFile, type Format } from './detect';
import { holdsCertificates, isCostly, parseFile } from './parse';
import { parseInWorker } from './parse-worker';
import { FormatProblem, type ParsedFile, type Unlock } from './parsed-file';

/** Reasons for which a failed read as plain PEM may mean another format, or encryption. */
const MAYBE_ANOTHER: ReadonlySet<Reason> = new Set([
  'unsupported_format',
  'missing_certificate',
  'missing_key',
  'encrypted_key',
  'incomplete',
]);

/**
 * Opens a raw bundle of any format. Plain PEM is opened at once and costs nothing more; anything else is unpacked
 * first. Never throws for any content.
 * @param known its texts as `readPem` took them apart, where that was done already
 */
export function openAny(
  raw: RawBundle,
  known?: PemContent,
): OpenedBundle | Refusal | Promise<OpenedBundle | Refusal> {
  if (raw.issuers?.some(isPacked) === true)
    return withPlainIssuers(raw).then((plain) => openAny(plain, known));
  const opened = openBundle(raw, known);
  return isRefusal(opened) && MAYBE_ANOTHER.has(opened.reason) ? openPacked(raw, opened) : opened;
}

const isPacked = (text: string) => text !== '' && !text.includes('-----BEGIN CERTIFICATE-----');

/** Converts the certificates beside a bundle to PEM; a file that cannot be read completes nothing. */
async function withPlainIssuers(raw: RawBundle): Promise<RawBundle> {
  const issuers: string[] = [];
  for (const text of raw.issuers ?? []) {
    const found = isPacked(text) ? await readCertificatesOnly({ ...raw, cert: text }) : null;
    if (found === null) issuers.push(text);
    else if (!isRefusal(found)) issuers.push(encodeCertificates(found));
  }
  return { ...raw, issuers };
}

/** @param refused the refusal of the bundle as plain PEM */
async function openPacked(raw: RawBundle, refused: Refusal): Promise<OpenedBundle | Refusal> {
  const unpacked = await unpack(raw);
  if (unpacked === null) return refused;
  return isRefusal(unpacked) ? unpacked : openBundle(unpacked);
}

/** The same bundle as PEM texts. @returns null where it is plain PEM already */
async function unpack(raw: RawBundle): Promise<RawBundle | Refusal | null> {
  const files = [detectFile(raw.cert), ...(raw.key === '' ? [] : [detectFile(raw.key)])];
  if (files[0]?.format === 'empty') return null;
  const parsed: ParsedFile[] = [];
  for (const [index, file] of files.entries()) {
    const location = index === 0 ? raw.location : `the key of ${raw.location}`;
    const found = await parse(file, { password: raw.password, alias: raw.alias }, location);
    if (isRefusal(found)) return found;
    parsed.push(found);
  }
  // With both files swapped by mistake, the one in the certificate's place counts.
  const certificates = parsed[0]?.certificates ?? [];
  const key = parsed.findLast((file) => file.key !== null)?.key ?? '';
  const isPem = files.every(({ format, isBase64 }) => format === 'pem' && !isBase64);
  if (isPem && (certificates.length === 0 || key === '')) return null;
  if (certificates.length === 0) {
    return refusal(
      'missing_certificate',
      `${raw.location} looks like ${nameOf(files)}: there is no certificate in it`,
    );
  }
  const location = isPem ? raw.location : `${raw.location} (${nameOf(files)})`;
  return { ...raw, location, cert: encodeCertificates(certificates), key };
}

/** The certificates of a file as DER, in any format, with no chain or key required. Never throws for any content. */
export async function readCertificatesOnly(raw: RawBundle): Promise<readonly Buffer[] | Refusal> {
  const { cert, location, password, alias } = raw;
  const blocks = decodePem(cert);
  if (blocks === null) {
    return refusal(
      'incomplete',
      `${location} is cut off inside a PEM block; waiting until it is written whole`,
    );
  }
  const isPlain = blocks.length > 0 && !blocks.some(holdsCertificates);
  if (isPlain) return blocks.filter(isCertificate).map(({ der }) => der);
  const parsed = await parse(detectFile(cert), { password, alias }, location);
  return isRefusal(parsed) ? parsed : parsed.certificates;
}

/** Never throws for any content. @param location how messages name the file */
export async function parse(
  file: DetectedFile,
  unlock: Unlock,
  location: string,
): Promise<ParsedFile | Refusal> {
  try {
    return isCostly(file, unlock) ? await parseInWorker(file, unlock) : parseFile(file, unlock);
  } catch (error) {
    const looks = `${location} looks like ${nameOf([file])}`;
    if (error instanceof FormatProblem) return refusal(error.reason, `${looks}: ${error.message}`);
    // RangeErrors of the parsers end here, and so does any other error: none may end the process.
    return refusal('unsupported_format', `${looks}: it is damaged; write it again, or convert it to PEM`);
  }
}

/** Name of the detected formats: `PKCS#12`, or `a DER certificate with PEM` for two files. */
function nameOf(files: readonly DetectedFile[]): string {
  const names = files.map(({ format, isBase64 }) => FORMATS[format] + (isBase64 ? ' in base64' : ''));
  return [...new Set(names)].join(' with ');
}

interface FilesToInspect {
  /** Path, for messages. */
  location: string;
  /** The certificate, alone or with its key; in any format. */
  cert: Buffer;
  /** A separate file of the key, or of the chain. */
  key?: Buffer;
  password?: string;
}

interface Inspection {
  /** Detected formats: `PEM`, `PKCS#12`, `a DER certificate with PEM`. */
  format: string;
  opened: OpenedBundle | Refusal;
}

/**
 * Opens one or two files of any format as the plugin would; the two may come in any order. Never throws for any
 * content.
 */
export async function inspectFiles({ cert, key, ...files }: FilesToInspect): Promise<Inspection> {
  const texts = [cert, ...(key === undefined ? [] : [key])].map((bytes) => bytes.toString('latin1'));
  if (texts.length === 2 && isKey(texts[0] ?? '') && !isKey(texts[1] ?? '')) texts.reverse();
  const [first = '', second = ''] = texts;
  const isChain = !isKey(second) && isCertificates(second);
  const parts = isChain ? { cert: first, key: '', issuers: [second] } : { cert: first, key: second };
  return {
    format: nameOf(texts.map(detectFile)),
    opened: await openAny({ ...files, name: files.location, ...parts }),
  };
}

const KEYS: ReadonlySet<Format> = new Set<Format>(['pkcs8', 'pkcs1', 'sec1', 'encrypted']);

/** Whether a text is a private key without a certificate. */
function isKey(text: string): boolean {
  const { format, bytes } = detectFile(text);
  const blocks = format === 'pem' ? (decodePem(bytes.toString('latin1')) ?? []) : [];
  return KEYS.has(format) || (blocks.some(isPrivateKey) && !blocks.some(isCertificate));
}

/** Whether a text is certificates without a key. */
function isCertificates(text: string): boolean {
  const { format, bytes } = detectFile(text);
  if (format !== 'pem') return format === 'certificate' || format === 'pkcs7';
  const blocks = decodePem(bytes.toString('latin1')) ?? [];
  return blocks.some(isCertificate) && !blocks.some(isPrivateKey);
}
