import { readArgument } from '../common/configured-file';
import {
  checkKeyAndChain,
  checkShape,
  decodePem,
  inspectFiles,
  isCertificate,
  isPublicRoot,
  openEndOf,
  parseCertificate,
  readByOpenSsl,
  warningsOf,
} from '../certificates';
import { isRefusal, MAX_BUNDLE_BYTES, type CertificateInfo, type Refusal } from '../model';
import { plural, standardOutput, type Output } from './output';

export interface InspectOptions {
  passwordFile?: string;
  json?: boolean;
}

/** The gate's result for the files of one bundle. */
interface Inspection {
  files: readonly string[];
  /** Detected formats. */
  format: string;
  /** In the order in which they would be served, if there is one. */
  certificates: readonly Shown[];
  /** Null: the gate accepts it. */
  refusal: Refusal | null;
  /** A note on its chain and names; null: there is nothing to note. */
  note: string | null;
}

interface Shown {
  /** Not to be spread: `fingerprint` is a getter. */
  info: CertificateInfo;
  issuer: string;
}

/**
 * Shows what the plugin would make of a bundle.
 * @returns the exit code: 1 where it is refused
 */
export async function inspect(files: readonly string[], options: InspectOptions): Promise<number> {
  const password =
    options.passwordFile === undefined
      ? undefined
      : read(options.passwordFile)
          .toString('utf8')
          .replace(/\r?\n$/, '');
  const found = await examine(files, password);
  const out = standardOutput();
  if (options.json === true) out.json(toJson(found));
  else print(found, out);
  return found.refusal === null ? 0 : 1;
}

/** More than any bundle that the gate accepts; a larger file is cut off and refused for its size. */
const MAX_BYTES = MAX_BUNDLE_BYTES + 1;

/** @throws Error where the file cannot be read */
function read(file: string): Buffer {
  try {
    return readArgument(file, MAX_BYTES);
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`${file}: cannot be read (${code})`, { cause: error });
  }
}

/** Whether a file is a plain PEM key, which belongs behind its certificate. */
function isKeyAlone(content: Buffer): boolean {
  const text = content.toString('latin1');
  return text.includes('PRIVATE KEY-----') && !text.includes('-----BEGIN CERTIFICATE-----');
}

/** Two files may be of any format and in any order; more than two are taken as parts of one PEM file. */
async function examine(files: readonly string[], password: string | undefined): Promise<Inspection> {
  const contents = files.map(read).sort((a, b) => Number(isKeyAlone(a)) - Number(isKeyAlone(b)));
  const [first = Buffer.alloc(0), second] = contents;
  const isMany = contents.length > 2;
  const { format, opened } = await inspectFiles({
    location: files.join(' + '),
    cert: isMany ? Buffer.concat(contents.flatMap((content) => [content, Buffer.from('\n')])) : first,
    ...(isMany || second === undefined ? {} : { key: second }),
    ...(password === undefined ? {} : { password }),
  });
  if (isRefusal(opened)) {
    return { files, format, certificates: contents.flatMap(whatIsThere), refusal: opened, note: null };
  }
  const openEnd = openEndOf(opened.bundle.reach, isPublicRoot);
  const warnings = warningsOf({ ...opened.bundle, ...(openEnd === null ? {} : { openEnd }) });
  return {
    files,
    format,
    certificates: opened.chain.map(show),
    refusal: checkShape(opened.bundle, Date.now()) ?? checkKeyAndChain(opened),
    note: warnings.length === 0 ? null : warnings.map(({ message }) => message).join('; '),
  };
}

/** @throws Error where OpenSSL cannot read it */
function show({ info, der }: { info: CertificateInfo; der: Buffer }): Shown {
  return { info, issuer: readByOpenSsl(der).issuer.replaceAll('\n', ', ') };
}

/** The readable PEM certificates of a bundle that is not understood. */
function whatIsThere(content: Buffer): Shown[] {
  return (decodePem(content.toString('latin1')) ?? []).filter(isCertificate).flatMap(({ der }) => {
    try {
      return [show(parseCertificate(der))];
    } catch {
      return [];
    }
  });
}

function print({ files, format, certificates, refusal, note }: Inspection, out: Output): void {
  const { paint } = out;
  const line = (text: string) => out.print(text);
  line(`${paint('bold', files.join(' + '))}  ${format}`);
  for (const [index, certificate] of certificates.entries()) {
    line(`  ${index === 0 ? 'leaf' : `chain ${index}`}`);
    for (const [name, value] of facts(certificate)) line(`    ${paint('dim', name.padEnd(12))} ${value}`);
  }
  line(
    refusal === null
      ? `${paint('green', 'accepted')}  it would be put into Kong`
      : `${paint('red', 'refused')}   ${refusal.message} (${refusal.reason})`,
  );
  if (note !== null) line(`${paint('yellow', 'note')}      ${note}`);
}

function facts({ info, issuer }: Shown): [string, string][] {
  const { names, ips = [], isCa, keyType, keyBits, serial, fingerprint, signature } = info;
  const bits = keyType === 'rsa' || keyType === 'ec' ? ` ${keyBits} bits` : '';
  return [
    ...(isCa && names.length === 0
      ? []
      : [['names', names.length === 0 ? 'none' : names.join(', ')] as [string, string]]),
    ...(ips.length === 0 ? [] : [['addresses', ips.join(', ')] as [string, string]]),
    ['issuer', issuer],
    ['valid', validity(info)],
    ['key', `${{ rsa: 'RSA', ec: 'ECDSA', ed25519: 'Ed25519', other: 'of another kind' }[keyType]}${bits}`],
    ...(signature === 'other' ? [] : [['signature', signature.toUpperCase()] as [string, string]]),
    ['serial', serial],
    ['sha-256', fingerprint],
    ...(isCa ? [['is a', 'CA certificate'] as [string, string]] : []),
  ];
}

function validity({ notBefore, notAfter }: CertificateInfo): string {
  const now = Date.now();
  const iso = (ms: number) => new Date(ms).toISOString().replace('.000Z', 'Z');
  const left = notAfter - now;
  return `${iso(notBefore)} to ${iso(notAfter)} (${left < 0 ? 'expired' : `${remaining(left)} left`})`;
}

/** Time left in whole days, on the last day in hours. */
function remaining(ms: number): string {
  const hours = Math.floor(ms / 3_600_000);
  return hours < 48 ? plural(hours, 'hour') : plural(Math.floor(hours / 24), 'day');
}

function toJson({ files, format, certificates, refusal, note }: Inspection): object {
  return {
    files,
    format,
    verdict: refusal === null ? 'accepted' : 'refused',
    reason: refusal?.reason ?? null,
    detail: refusal?.message ?? '',
    note,
    certificates: certificates.map(({ info, issuer }) => ({
      names: info.names,
      issuer,
      not_before: new Date(info.notBefore).toISOString(),
      not_after: new Date(info.notAfter).toISOString(),
      key_type: info.keyType,
      key_bits: info.keyBits,
      serial: info.serial,
      fingerprint_sha256: info.fingerprint,
      is_ca: info.isCa,
    })),
  };
}
