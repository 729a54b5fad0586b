import { openAny, type OpenedBundle, type PemContent } from '../certificates';
import {
  isRefusal,
  refusal,
  type RawBundle,
  type Reading,
  type Refusal,
  type ScanOptions,
  type Source,
  type SourceScan,
} from '../model';

type Understood = OpenedBundle | Refusal | null;

/**
 * Null: empty, or a keystore without a key (a truststore).
 * @param known its texts as `readPem` took them apart, where that was done already
 */
export function understand(
  raw: RawBundle | Refusal | null,
  known?: PemContent,
): Understood | Promise<Understood> {
  if (raw === null || isRefusal(raw)) return raw;
  const opened = openAny(raw, known);
  if (raw.standalone !== 'keystore') return opened;
  const orNone = (found: OpenedBundle | Refusal) =>
    isRefusal(found) && found.reason === 'missing_key' ? null : found;
  return opened instanceof Promise ? opened.then(orNone) : orNone(opened);
}

/** Characters of a bundle's texts, except its key. */
export const charsOf = ({ cert, issuers = [] }: RawBundle): number =>
  issuers.reduce((sum, { length }) => sum + length, cert.length);

/** A bundle that cannot be read is refused; nothing is thrown. */
export function readSafely(source: Source, name: string): Reading | Promise<Reading> {
  const failed = (error: unknown) =>
    refusal('unreadable', `${name} of ${source.id} cannot be read: ${(error as Error).message}`);
  try {
    const reading = source.read(name);
    return reading instanceof Promise ? reading.catch(failed) : reading;
  } catch (error) {
    return failed(error);
  }
}

/** A source that fails is left out of this pass; the others go on. */
export async function scanSafely(
  source: Source,
  touched: ReadonlySet<string> | undefined,
  options: ScanOptions,
): Promise<SourceScan> {
  try {
    return await source.scan(touched, options);
  } catch (error) {
    const why = refusal('unreadable', `${source.id}: ${(error as Error).message}`);
    return { changed: [], removed: [], total: 0, errors: [why] };
  }
}
