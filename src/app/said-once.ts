/** Says what is wrong at each look, and logs it once: again only after a look at which it was no longer so. */
export class SaidOnce {
  /** Sentences of the look before and of this one that were logged. */
  #said = new Set<string>();
  /** Those that hold at this look. */
  #holding = new Set<string>();

  /** Messages of what is wrong, with the line that says that it is no more so. */
  readonly #reliefs = new Map<string, string>();

  constructor(
    private readonly log: (level: 'info' | 'warn' | 'error', message: string, detail?: string) => void,
  ) {}

  /** @param relief logged at the first look at which nothing is said under this message */
  say(level: 'warn' | 'error', message: string, detail: string, relief?: string): void {
    if (relief !== undefined) this.#reliefs.set(message, relief);
    const sentence = `${message}: ${detail}`;
    this.#holding.add(sentence);
    if (this.#said.has(sentence)) return;
    this.#said.add(sentence);
    this.log(level, message, detail);
  }

  /** Nothing has changed: what was said still holds. */
  stillHold(): void {
    for (const sentence of this.#said) this.#holding.add(sentence);
  }

  nextLook(): void {
    for (const [message, relief] of this.#reliefs) {
      if ([...this.#holding].some((sentence) => sentence.startsWith(`${message}: `))) continue;
      this.#reliefs.delete(message);
      this.log('info', relief);
    }
    this.#said = this.#holding;
    this.#holding = new Set();
  }
}
