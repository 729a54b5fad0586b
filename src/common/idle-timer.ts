/** Releases a value some time after its last use; values that hold private keys are not kept for long. */
export class IdleTimer {
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly letGo: () => void,
    private readonly afterMs: number,
  ) {}

  /** To be called at each use, and when there is a new value. */
  touch(): void {
    if (this.#timer === null) this.#timer = setTimeout(() => this.end(), this.afterMs).unref();
    else this.#timer.refresh();
  }

  private end(): void {
    this.#timer = null;
    this.letGo();
  }
}
