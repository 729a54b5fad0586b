/** Logs a trouble once while it lasts, however often it is reported; again only after a poll at which it was absent. */
export class LogDeduplicator {
  /** Sentences that were logged at the previous poll or at this one. */
  #logged = new Set<string>();
  /** Sentences that were reported at this poll. */
  #present = new Set<string>();

  /** Messages of present troubles, each with the line to log at their end. */
  readonly #reliefs = new Map<string, string>();

  constructor(
    private readonly log: (level: 'info' | 'warn' | 'error', message: string, detail?: string) => void,
  ) {}

  /** @param relief line to log at the first poll at which this message is not reported */
  say(level: 'warn' | 'error', message: string, detail: string, relief?: string): void {
    if (relief !== undefined) this.#reliefs.set(message, relief);
    const sentence = `${message}: ${detail}`;
    this.#present.add(sentence);
    if (this.#logged.has(sentence)) return;
    this.#logged.add(sentence);
    this.log(level, message, detail);
  }

  /** To be called at a poll that found no change: every trouble lasts. */
  unchanged(): void {
    for (const sentence of this.#logged) this.#present.add(sentence);
  }

  /** Ends this poll. */
  nextPoll(): void {
    for (const [message, relief] of this.#reliefs) {
      if ([...this.#present].some((sentence) => sentence.startsWith(`${message}: `))) continue;
      this.#reliefs.delete(message);
      this.log('info', relief);
    }
    this.#logged = this.#present;
    this.#present = new Set();
  }
}
