import { inspectFiles, openAny, parseCertificate } from '../src/certificates';
import { readJks } from '../src/certificates/formats/jks';
import { readPkcs12 } from '../src/certificates/formats/pkcs12';
import { readPkcs7 } from '../src/certificates/formats/pkcs7';
import { decryptLegacyPem, decryptPkcs8 } from '../src/certificates/formats/pkcs8';
import { decodePem } from '../src/certificates/pem';
import { isRefusal } from '../src/model';
import { filesOfEveryFormat, PASSWORD, rsaIssuer, type FormatFile } from '../test/support/format-files';
import { cpuTime, sideBySide, type Result } from './measure';

const COUNT = 1_000;
/** OpenSSL's default. */
const ITERATIONS = 2_048;
const UNLOCK = { password: PASSWORD, alias: undefined };

/** The bare parser of a format, for somebody who knows which it is: down to parsed certificates and the key. */
const BARE: Record<string, (file: FormatFile) => Promise<void> | void> = {
  PEM: ({ cert, key }) => readPems(cert, key ?? cert),
  'PEM in one file': ({ cert }) => readPems(cert, Buffer.alloc(0)),
  'PEM, old encrypted key': ({ cert, key }) => {
    readPems(cert, Buffer.alloc(0));
    decryptLegacyPem(key?.toString('latin1') ?? '', PASSWORD);
  },
  DER: ({ cert }) => void parseCertificate(cert.subarray(0, lengthOf(cert))),
  'DER with an encrypted key': ({ cert, key }) => {
    parseCertificate(cert.subarray(0, lengthOf(cert)));
    decryptPkcs8(key ?? cert, PASSWORD);
  },
  'PKCS#7': ({ cert }) => readPkcs7(cert).forEach((der) => parseCertificate(der)),
  'PKCS#12 with AES': ({ cert }) => readP12(cert),
  'PKCS#12 with triple DES': ({ cert }) => readP12(cert),
  'PKCS#12 in base64': ({ cert }) => readP12(Buffer.from(cert.toString('latin1'), 'base64')),
  JKS: ({ cert }) => readJks(cert, UNLOCK).certificates.forEach((der) => parseCertificate(der)),
};

function readP12(bytes: Buffer): void {
  for (const der of readPkcs12(bytes, UNLOCK).certificates) parseCertificate(der);
}

function readPems(...parts: Buffer[]): void {
  for (const part of parts) {
    for (const { label, der } of decodePem(part.toString('latin1')) ?? []) {
      if (label === 'CERTIFICATE') parseCertificate(der);
    }
  }
}

/** Of the DER value at the start. */
const lengthOf = (bytes: Buffer) => 4 + bytes.readUInt16BE(2);

/** 1,000 files of ten formats, taken for what they are and understood; against parsers that are told what each is. */
export async function formats(): Promise<Result> {
  const issuer = rsaIssuer();
  const issued = [1, 2, 3].map((at) => issuer.issue({ names: [`site-${at}.example.test`], key: 'rsa-2048' }));
  const distinct = issued.flatMap((pair) => filesOfEveryFormat(pair, ITERATIONS));
  const files = Array.from({ length: COUNT }, (_, at) => distinct[at % distinct.length] as FormatFile);
  for (const { format, ...given } of distinct) {
    const { opened } = await inspectFiles({ location: format, password: PASSWORD, ...given });
    if (isRefusal(opened) || BARE[format] === undefined) throw new Error(`${format} is not read`);
  }
  const texts = files.map(({ cert, key }, at) => ({
    ...{ name: String(at), location: String(at), password: PASSWORD },
    ...{ cert: cert.toString('latin1'), key: key?.toString('latin1') ?? '' },
  }));
  const measured = await sideBySide(
    5,
    () =>
      cpuTime(async () => {
        for (const raw of texts) await openAny(raw);
      }),
    () =>
      cpuTime(async () => {
        for (const file of files) await BARE[file.format]?.(file);
      }),
  );
  return {
    name: 'formats-1k',
    ...measured,
    unit: 'ms',
    limit: 1.3,
    against: 'each file by its bare parser (CPU)',
  };
}
