import { FormatProblem, noPassword } from './parsed-file';

/**
 * Iterations of all key derivations of one file. The file sets the number, and a hostile one asks for billions.
 * Real tools use 1,000 to 100,000; this limit takes about a second.
 */
const MAX_ITERATIONS = 600_000;

/** Without a password only the empty one is tried, with no more iterations than a few files of real tools need. */
const MAX_ITERATIONS_WITHOUT_PASSWORD = 50_000;

/** scrypt's N·r·p for one file: 64 MiB and a third of a second. OpenSSL writes 131,072. */
const MAX_SCRYPT = 524_288;

/** Octets to decrypt and digest: enough for a file of 1 MiB with a nested safe, and its MAC. */
const MAX_OCTETS = 4 * 1024 * 1024;

/** Bags, attributes, entries and pieces. Keystores of real tools have some hundred. */
const MAX_VALUES = 20_000;

/** Limits the cost of reading one file. Work is charged before it is done. */
export class WorkLimit {
  #iterations = 0;
  #scrypt = 0;
  #octets = 0;
  #values = 0;
  readonly #maxIterations: number;

  constructor(readonly hasPassword: boolean) {
    this.#maxIterations = hasPassword ? MAX_ITERATIONS : MAX_ITERATIONS_WITHOUT_PASSWORD;
  }

  /** @throws FormatProblem where the derivations of a file together ask for more than is allowed */
  iterations(count: number): void {
    if (count < 1) throw new RangeError('DER: an iteration count below 1');
    this.#iterations += count;
    if (this.#iterations <= this.#maxIterations) return;
    if (!this.hasPassword) throw noPassword();
    throw new FormatProblem(
      'unsupported_format',
      `its encryption asks for more than ${MAX_ITERATIONS} iterations; export it again with fewer (openssl pkcs12 -iter 10000)`,
    );
  }

  scrypt(cost: number, blockSize: number, parallel: number): void {
    const isPower = cost > 1 && Number.isInteger(Math.log2(cost));
    if (!isPower || blockSize < 1 || parallel < 1) throw new RangeError('DER: impossible scrypt parameters');
    if (!this.hasPassword) throw noPassword();
    this.#scrypt += cost * blockSize * parallel;
    if (this.#scrypt <= MAX_SCRYPT) return;
    throw new FormatProblem(
      'unsupported_format',
      'its encryption (scrypt) asks for too much memory and time; encrypt it again with PBKDF2 (openssl pkcs8 -topk8)',
    );
  }

  octets(count: number): void {
    this.#octets += count;
    if (this.#octets > MAX_OCTETS)
      throw new FormatProblem('too_large', 'it holds the same content many times');
  }

  values(count: number): void {
    this.#values += count;
    if (this.#values > MAX_VALUES)
      throw new FormatProblem('too_large', `it holds more than ${MAX_VALUES} parts`);
  }
}
