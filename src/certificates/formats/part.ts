import { decodePem, encodePem, isCertificate, isPrivateKey, type PemBlock } from '../pem';
import { parseCertificate } from '../x509';
import { addCertificate, type Contents, type Unlock } from './contents';
import { detect, IS_DER, isCutOff, type Format } from './detect';
import { readJks } from './jks';
import { readPkcs12 } from './pkcs12';
import { readPkcs7 } from './pkcs7';
import { decryptLegacyPem, decryptPkcs8 } from './pkcs8';
import { FormatProblem } from './problem';
import { TAG, DerReader } from '../der';

/** One file of a bundle. */
export interface Part {
  bytes: Buffer;
  format: Format;
  /** Written in base64 without PEM's lines around it, as values of stores are. */
  isBase64: boolean;
}

/** @param text one character for each octet */
export function partOf(text: string): Part {
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

/**
 * Reads one file of a bundle, whatever its format.
 * @throws FormatProblem, RangeError where it is damaged
 */
export async function readPart({ bytes, format }: Part, unlock: Unlock): Promise<Contents> {
  if (IS_DER.has(format) && isCutOff(bytes))
    throw new FormatProblem('incomplete', 'it is cut off; waiting until it is written whole');
  switch (format) {
    case 'pem':
      return readPemPart(bytes.toString('latin1'), unlock);
    case 'certificate':
      return { certificates: readCertificates(bytes), key: null };
    case 'pkcs8':
      return { certificates: [], key: encodePem('PRIVATE KEY', trimmed(bytes)) };
    case 'pkcs1':
      return { certificates: [], key: encodePem('RSA PRIVATE KEY', trimmed(bytes)) };
    case 'sec1':
      return { certificates: [], key: encodePem('EC PRIVATE KEY', trimmed(bytes)) };
    case 'encrypted':
      return { certificates: [], key: encodePem('PRIVATE KEY', await decryptPkcs8(bytes, unlock.password)) };
    case 'pkcs12':
      return readPkcs12(bytes, unlock);
    case 'pkcs7':
      return { certificates: await readPkcs7(bytes), key: null };
    case 'jks':
      return readJks(bytes, unlock);
    case 'empty':
      return { certificates: [], key: null };
    default:
      throw new FormatProblem('unsupported_format', ADVICE[format] ?? GENERAL_ADVICE);
  }
}

const GENERAL_ADVICE = 'there is no certificate or key in it; give PEM, DER, PKCS#12, PKCS#7 or JKS';

const ADVICE: Partial<Record<Format, string>> = {
  jceks:
    'only JKS and PKCS#12 keystores are read; convert it (keytool -importkeystore -deststoretype pkcs12)',
  request: 'a CA makes a certificate of it; give that',
  archive: 'unpack it',
  html: 'there is no certificate in it; is the address right, and is a login needed?',
};

/** One certificate, or several one after the other. */
function readCertificates(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const reader = new DerReader(bytes);
  while (!reader.done && bytes[reader.position] === TAG.sequence) {
    const from = reader.position;
    const der = bytes.subarray(from, reader.next(TAG.sequence).end);
    parseCertificate(der);
    addCertificate(found, der);
  }
  return found;
}

/** Without what follows: a line feed, say. */
const trimmed = (bytes: Buffer) => bytes.subarray(0, new DerReader(bytes).next(TAG.sequence).end);

async function readPemPart(text: string, { password }: Unlock): Promise<Contents> {
  const blocks = decodePem(text);
  if (blocks === null) {
    throw new FormatProblem('incomplete', 'it is cut off inside a block; waiting until it is written whole');
  }
  const certificates: Buffer[] = [];
  let key: string | null = null;
  for (const block of blocks) {
    if (isCertificate(block)) certificates.push(block.der);
    else if (block.label === 'TRUSTED CERTIFICATE') certificates.push(trimmed(block.der));
    else if (/^(PKCS ?#?7( SIGNED DATA)?|CMS)$/.test(block.label))
      certificates.push(...(await readPkcs7(block.der)));
    else if (isPrivateKey(block)) key ??= await readKeyBlock(block, password);
  }
  return { certificates, key };
}

function readKeyBlock(block: PemBlock, password: string | undefined): Promise<string> | string {
  if (block.label === 'OPENSSH PRIVATE KEY') {
    throw new FormatProblem(
      'unsupported_format',
      'its key is one for SSH; TLS needs PKCS#8 (ssh-keygen -p -m PKCS8)',
    );
  }
  if (!block.encrypted) return `${block.text}\n`;
  if (block.label !== 'ENCRYPTED PRIVATE KEY') return decryptLegacyPem(block.text, password);
  return decryptPkcs8(block.der, password).then((der) => encodePem('PRIVATE KEY', der));
}
