import { FormatProblem } from './problem';

/** Deeper than any real file of these formats. */
const MAX_DEPTH = 32;

/** node-forge takes microseconds for each value, and a value may be of two octets. Real files have some 10 KiB. */
const MAX_OCTETS = 256 * 1024;

/**
 * Files of Windows and NSS may leave lengths open (BER); node-forge, loaded only for them, writes them as DER.
 * @throws FormatProblem where the bytes are neither
 */
export async function asDer(bytes: Buffer): Promise<Buffer> {
  if (bytes[1] !== 0x80) return bytes;
  if (bytes.length > MAX_OCTETS) {
    throw new FormatProblem(
      'too_large',
      `it leaves its lengths open (BER) and holds more than ${MAX_OCTETS / 1024} KiB; export it anew (openssl pkcs12 -export)`,
    );
  }
  const { default: asn1 } = await import('node-forge/lib/asn1.js');
  try {
    // Strings of bits are not looked into: certificates stay as they are.
    const options = { strict: false, parseAllBytes: false, decodeBitStrings: false, maxDepth: MAX_DEPTH };
    const read = asn1.fromDer as unknown as (
      bytes: string,
      options: object,
    ) => ReturnType<typeof asn1.fromDer>;
    return Buffer.from(asn1.toDer(read(bytes.toString('latin1'), options)).getBytes(), 'latin1');
  } catch {
    // forge's own message may quote what it was given.
    throw new FormatProblem('incomplete', 'it is cut off or damaged; waiting until it is written whole');
  }
}
