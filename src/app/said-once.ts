/** Says what is wrong at each look, and logs it once: again only after a look at which it was no longer so. */
export class SaidOnce {
  /** Sentences of the look before and of this one that were logged. */
  #said = new Set<string>();
  /** Those that hold at this look. */
  #holding = new Set<string>();

  constructor(private readonly log: (level: 'warn' | 'error', message: string, detail: string) => void) {}

  say(level: 'warn' | 'error', message: string, detail: string): void {
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
    this.#said = this.#holding;
    this.#holding = new Set();
  }
}
