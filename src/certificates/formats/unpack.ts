import { isRefusal, refusal, type RawBundle, type Reason, type Refusal } from '../../model';
import { openBundle, type OpenedBundle } from '../bundle';
import { encodeCertificates } from '../pem';
import { FORMATS } from './detect';
import { partOf, readPart, type Part } from './part';
import { FormatProblem } from './problem';
import type { Contents } from './contents';

/** What plain PEM is refused for where it may be another format, or be locked. */
const MAYBE_ANOTHER: ReadonlySet<Reason> = new Set([
  'unsupported_format',
  'missing_certificate',
  'missing_key',
  'encrypted_key',
  'incomplete',
]);

/**
 * Understands a raw bundle of any format. Plain PEM is opened at once and costs nothing more; anything else is
 * unpacked first. Never throws for what it is given.
 */
export function openAny(raw: RawBundle): OpenedBundle | Refusal | Promise<OpenedBundle | Refusal> {
  const opened = openBundle(raw);
  return isRefusal(opened) && MAYBE_ANOTHER.has(opened.reason) ? openPacked(raw, opened) : opened;
}

/** @param refused what became of it as plain PEM */
async function openPacked(raw: RawBundle, refused: Refusal): Promise<OpenedBundle | Refusal> {
  const unpacked = await unpack(raw);
  if (unpacked === null) return refused;
  return isRefusal(unpacked) ? unpacked : openBundle(unpacked);
}

/** The same bundle as PEM texts. @returns null where it is plain PEM already */
async function unpack(raw: RawBundle): Promise<RawBundle | Refusal | null> {
  const parts = [partOf(raw.cert), ...(raw.key === '' ? [] : [partOf(raw.key)])];
  if (parts[0]?.format === 'empty') return null;
  const found: Contents[] = [];
  for (const [index, part] of parts.entries()) {
    try {
      found.push(await readPart(part, { password: raw.password, alias: raw.alias }));
    } catch (error) {
      return problem(index === 0 ? raw.location : `the key of ${raw.location}`, part, error);
    }
  }
  // Swapped files mean that something went wrong; what is in the place of the certificate counts.
  const certificates = found[0]?.certificates ?? [];
  const key = found.findLast((contents) => contents.key !== null)?.key ?? '';
  const isPem = parts.every(({ format, isBase64 }) => format === 'pem' && !isBase64);
  if (isPem && (certificates.length === 0 || key === '')) return null;
  if (certificates.length === 0) {
    return refusal(
      'missing_certificate',
      `${raw.location} looks like ${nameOf(parts)}: there is no certificate in it`,
    );
  }
  const location = isPem ? raw.location : `${raw.location} (${nameOf(parts)})`;
  return { ...raw, location, cert: encodeCertificates(certificates), key };
}

/** `PKCS#12`, or `a DER certificate with PEM` for two files. */
export function nameOf(parts: readonly Part[]): string {
  const names = parts.map(({ format, isBase64 }) => FORMATS[format] + (isBase64 ? ' in base64' : ''));
  return [...new Set(names)].join(' with ');
}

function problem(location: string, part: Part, error: unknown): Refusal {
  const looks = `${location} looks like ${nameOf([part])}`;
  if (error instanceof FormatProblem) return refusal(error.reason, `${looks}: ${error.message}`);
  // RangeErrors of the readers; whatever else there might be is no reason to end the process.
  return refusal('unsupported_format', `${looks}: it is damaged; write it anew, or convert it to PEM`);
}
