import { IdleTimer } from '../../common/idle-timer';
import { Seal, type Sealed } from '../../common/seal';

/** Configurations of up to about 2,000 certificates are kept; larger ones are read again each time. */
const MAX_CHARS = 8 * 1024 * 1024;
/** Kong is not asked for an export before it has had the same configuration for so long. */
const QUIET_MS = 3_000;
/** Least time between two exports that no renewal waits for: each costs Kong up to a second. */
const REST_MS = 30_000;

/** A configuration with its hash. */
export interface Configuration {
  hash: string;
  parts: readonly string[];
}

/**
 * Kong's configuration, sealed: a renewal need not wait for the export. It is what was posted last, or what was
 * exported some time after somebody else's change.
 */
export class ConfigurationAtHand {
  readonly #seal = new Seal();
  #kept: { hash: string; sealed: Sealed } | null = null;
  #isTooLarge = false;
  /** Whether Kong may have another one. */
  #isOutdated = false;
  #readAt = Number.NEGATIVE_INFINITY;
  readonly #quiet = new IdleTimer(() => void this.readInQuiet(), QUIET_MS);

  /**
   * @param read null: it changed meanwhile
   * @param isBusy it is being edited, and what is posted will be kept
   */
  constructor(
    private readonly read: () => Promise<Configuration | null>,
    private readonly isBusy: () => boolean,
  ) {}

  /** Null: it is not at hand. */
  of(hash: string): readonly string[] | null {
    return this.#kept?.hash === hash ? this.#seal.open(this.#kept.sealed) : null;
  }

  /** @param configuration null: it is unknown what Kong has */
  keep(configuration: Configuration | null): void {
    this.#kept = null;
    if (configuration === null) return;
    this.#isOutdated = false;
    const { hash, parts } = configuration;
    this.#isTooLarge = parts.reduce((sum, { length }) => sum + length, 0) > MAX_CHARS;
    if (!this.#isTooLarge) this.#kept = { hash, sealed: this.#seal.close(parts) };
  }

  /** To be called when Kong has a configuration that may be another one. */
  noteChange(hash: string): void {
    if (this.#kept?.hash === hash || this.#isTooLarge) return;
    this.#isOutdated = true;
    this.#quiet.touch();
  }

  private async readInQuiet(): Promise<void> {
    if (!this.#isOutdated) return;
    const now = performance.now();
    if (this.isBusy() || now - this.#readAt < REST_MS) {
      this.#quiet.touch();
      return;
    }
    this.#readAt = now;
    // Without an answer it is read when it is needed.
    const found = await this.read().catch(() => null);
    if (found !== null) this.keep(found);
  }
}
