import { FormatProblem } from './problem';

/**
 * What deriving the keys of one file may cost: a file names the number of rounds itself, and a hostile one names
 * billions. Real tools use 1,000 to 100,000; this is about half a second.
 */
const MAX_ITERATIONS = 600_000;

/** scrypt's N·r·p, all of a file together: 64 MiB and a third of a second. OpenSSL writes 131,072. */
const MAX_SCRYPT = 524_288;

/** Taken from before anything is computed. */
export class Budget {
  #left = MAX_ITERATIONS;
  #scryptLeft = MAX_SCRYPT;

  /** @throws FormatProblem where a file asks for more than all its derivations together may take */
  charge(iterations: number): void {
    if (iterations < 1) throw new RangeError('DER: an iteration count below 1');
    this.#left -= iterations;
    if (this.#left >= 0) return;
    throw new FormatProblem(
      'unsupported_format',
      `its encryption asks for more than ${MAX_ITERATIONS} iterations; export it anew with fewer (openssl pkcs12 -iter 10000)`,
    );
  }

  chargeScrypt(cost: number, blockSize: number, parallel: number): void {
    const isPower = cost > 1 && Number.isInteger(Math.log2(cost));
    if (!isPower || blockSize < 1 || parallel < 1) throw new RangeError('DER: impossible scrypt parameters');
    this.#scryptLeft -= cost * blockSize * parallel;
    if (this.#scryptLeft >= 0) return;
    throw new FormatProblem(
      'unsupported_format',
      'its encryption (scrypt) asks for too much memory and time; encrypt it anew with PBKDF2 (openssl pkcs8 -topk8)',
    );
  }
}
