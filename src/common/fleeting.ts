/** Lets go of something a while after it was last used; what holds private keys is not kept for long. */
export class Fleeting {
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly letGo: () => void,
    private readonly afterMs: number,
  ) {}

  /** It was used, or is there anew. */
  touch(): void {
    if (this.#timer === null) this.#timer = setTimeout(() => this.end(), this.afterMs).unref();
    else this.#timer.refresh();
  }

  private end(): void {
    this.#timer = null;
    this.letGo();
  }
}
