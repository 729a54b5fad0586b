/** Logs a trouble once while it lasts, however often it is reported: again only after a look at which it was absent. */
export class SaidOnce {
  /** Sentences that were logged at the look before or at this one. */
  #said = new Set<string>();
  /** Sentences that were reported at this look. */
  #holding = new Set<string>();

  /** Messages of present troubles, each with the line to log at their end. */
  readonly #reliefs = new Map<string, string>();

  constructor(
    private readonly log: (level: 'info' | 'warn' | 'error', message: string, detail?: string) => void,
  ) {}

  /** @param relief line to log at the first look at which this message is not reported */
  say(level: 'warn' | 'error', message: string, detail: string, relief?: string): void {
    if (relief !== undefined) this.#reliefs.set(message, relief);
    const sentence = `${message}: ${detail}`;
    this.#holding.add(sentence);
    if (this.#said.has(sentence)) return;
    this.#said.add(sentence);
    this.log(level, message, detail);
  }

  /** To be called at a look that found no change: every trouble lasts. */
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
