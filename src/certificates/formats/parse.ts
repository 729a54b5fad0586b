import { DerReader, TAG } from '../der';
import { decodePem, encodePem, isCertificate, isPrivateKey, type PemBlock } from '../pem';
import { MAX_CERTIFICATE_OCTETS, parseCertificate } from '../x509';
import { IS_DER, isCutOff, type DetectedFile, type Format } from './detect';
import { readJks } from './jks';
import { addCertificate, FormatProblem, type ParsedFile, type Unlock } from './parsed-file';
import { readPkcs12 } from './pkcs12';
import { readPkcs7 } from './pkcs7';
import { decryptLegacyPem, decryptPkcs8 } from './pkcs8';

/**
 * Parses one file of a bundle, of any format. Files that `isCostly` names take up to seconds.
 * @throws FormatProblem, RangeError where it is damaged
 */
export function parseFile({ bytes, format }: DetectedFile, unlock: Unlock): ParsedFile {
  if (IS_DER.has(format) && isCutOff(bytes))
    throw new FormatProblem('incomplete', 'it is cut off; waiting until it is written whole');
  switch (format) {
    case 'pem':
      return parsePem(bytes.toString('latin1'), unlock);
    case 'certificate':
      return { certificates: parseCertificates(bytes), key: null };
    case 'pkcs8':
      return { certificates: [], key: encodePem('PRIVATE KEY', trimmed(bytes)) };
    case 'pkcs1':
      return { certificates: [], key: encodePem('RSA PRIVATE KEY', trimmed(bytes)) };
    case 'sec1':
      return { certificates: [], key: encodePem('EC PRIVATE KEY', trimmed(bytes)) };
    case 'encrypted':
      return { certificates: [], key: encodePem('PRIVATE KEY', decryptPkcs8(bytes, unlock.password)) };
    case 'pkcs12':
      return readPkcs12(bytes, unlock);
    case 'pkcs7':
      return { certificates: readPkcs7(bytes), key: null };
    case 'jks':
      return readJks(bytes, unlock);
    case 'empty':
      return { certificates: [], key: null };
    default:
      throw new FormatProblem('unsupported_format', ADVICE[format]);
  }
}

const GENERAL_ADVICE = 'there is no certificate or key in it; give PEM, DER, PKCS#12, PKCS#7 or JKS';

/** Advice for each format that is not read. */
const ADVICE = {
  jceks:
    'only JKS and PKCS#12 keystores are read; convert it (keytool -importkeystore -deststoretype pkcs12)',
  request: 'it is a request; give the certificate that the CA issues for it',
  archive: 'unpack it',
  html: 'there is no certificate in it; is the address right, and is a login needed?',
  der: GENERAL_ADVICE,
  text: GENERAL_ADVICE,
  binary: GENERAL_ADVICE,
} as const satisfies Partial<Record<Format, string>>;

const COSTLY: ReadonlySet<Format> = new Set<Format>(['encrypted', 'pkcs12', 'pkcs7', 'jks']);

/** Whether a file decides itself how much work it makes; such a file is parsed outside of the event loop. */
export function isCostly({ bytes, format }: DetectedFile, { password }: Unlock): boolean {
  if (format === 'certificate') return bytes.length > MAX_CERTIFICATE_OCTETS;
  if (format !== 'pem') return COSTLY.has(format) && (password !== undefined || format !== 'encrypted');
  return bytes.includes('ENCRYPTED') || PKCS7_LABELS.some((label) => bytes.includes(`BEGIN ${label}-`));
}

/** Certificates one after the other, as DER. */
function parseCertificates(bytes: Buffer): Buffer[] {
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

/** Cuts off what follows the DER value, such as a line feed. */
const trimmed = (bytes: Buffer) => bytes.subarray(0, new DerReader(bytes).next(TAG.sequence).end);

const PKCS7_LABELS = ['PKCS7', 'PKCS #7', 'PKCS7 SIGNED DATA', 'PKCS #7 SIGNED DATA', 'CMS'];

/** Whether a PEM block is a container of certificates (PKCS#7). */
export const holdsCertificates = ({ label }: PemBlock): boolean =>
  label === 'TRUSTED CERTIFICATE' || PKCS7_LABELS.includes(label);

function parsePem(text: string, { password }: Unlock): ParsedFile {
  const blocks = decodePem(text);
  if (blocks === null) {
    throw new FormatProblem('incomplete', 'it is cut off inside a block; waiting until it is written whole');
  }
  const certificates: Buffer[] = [];
  let key: string | null = null;
  for (const block of blocks) {
    if (isCertificate(block)) addCertificate(certificates, block.der);
    else if (block.label === 'TRUSTED CERTIFICATE') addCertificate(certificates, trimmed(block.der));
    else if (PKCS7_LABELS.includes(block.label)) {
      for (const certificate of readPkcs7(block.der)) addCertificate(certificates, certificate);
    } else if (isPrivateKey(block)) key ??= parseKey(block, password);
  }
  return { certificates, key };
}

function parseKey(block: PemBlock, password: string | undefined): string {
  if (block.label === 'OPENSSH PRIVATE KEY') {
    throw new FormatProblem(
      'unsupported_format',
      'its key is one for SSH; TLS needs PKCS#8 (ssh-keygen -p -m PKCS8)',
    );
  }
  if (!block.encrypted) return `${block.text}\n`;
  if (block.label !== 'ENCRYPTED PRIVATE KEY') return decryptLegacyPem(block.text, password);
  return encodePem('PRIVATE KEY', decryptPkcs8(block.der, password));
}
