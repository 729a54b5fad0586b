import type { ProgressListener } from '../pass';
import { duration, plural } from './output';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REDRAW_MS = 100;
/** Work that is done sooner shows nothing. */
const DELAY_MS = 400;

/** How far a pass is, on one line of a terminal that is gone afterwards. */
export class Progress implements ProgressListener {
  readonly #startedAt = performance.now();
  #read = 0;
  #written = 0;
  #isProving = false;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;
  #isShown = false;

  constructor(private readonly stream: NodeJS.WriteStream = process.stderr) {
    if (!stream.isTTY) return;
    this.#timer = setInterval(() => this.draw(), REDRAW_MS);
    this.#timer.unref();
  }

  read(): void {
    this.#read += 1;
  }

  written(): void {
    this.#written += 1;
  }

  proving(isRunning: boolean): void {
    this.#isProving = isRunning;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#isShown) this.stream.write('\r\x1b[K');
  }

  private draw(): void {
    const elapsed = performance.now() - this.#startedAt;
    if (elapsed < DELAY_MS) return;
    const parts = [
      ...(this.#read > 0 ? [`${plural(this.#read, 'bundle')} read`] : ['asking Kong']),
      ...(this.#written > 0 ? [`${plural(this.#written, 'certificate')} written`] : []),
      ...(this.#isProving ? ['proving by handshakes'] : []),
      duration(elapsed),
    ];
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#isShown = true;
    const line = `${FRAMES[this.#frame] ?? ''} ${parts.join(' · ')}`;
    this.stream.write(`\r\x1b[K${line.slice(0, Math.max(10, this.stream.columns - 1))}`);
  }
}
