import type { Phase, ProgressListener } from '../pass';
import { fail } from './failure';
import { duration } from './output';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const REDRAW_MS = 100;
/** Work that ends sooner shows no progress. */
const DELAY_MS = 400;

/** The part of a terminal that is used. */
type Terminal = Pick<NodeJS.WriteStream, 'isTTY' | 'columns' | 'write'>;

type Work = Phase | 'examine' | 'rehearse' | 'ask';

const count = (number: number) => number.toLocaleString('en');

const WORDS: Record<Work, (done: string) => string> = {
  ask: () => 'asking Kong',
  read: (done) => `${done} bundles read`,
  check: (done) => `${done} changes checked`,
  write: (done) => `${done} certificates written`,
  send: () => 'Kong takes the configuration',
  prove: (done) => `${done} certificates proven`,
  examine: (done) => `${done} checks done`,
  rehearse: (done) => `${done} steps done`,
};

/** Shows progress on one line of a terminal, which is erased at the end. */
export class Progress implements ProgressListener {
  readonly #startedAt = performance.now();
  #work: Work = 'ask';
  #done = 0;
  #total = 0;
  /** Over all rounds of writing: the certificates written, and those of them that were proven. */
  #written = 0;
  #proven = 0;
  #frame = 0;
  #timer: NodeJS.Timeout | null = null;
  #isShown = false;

  constructor(private readonly stream: Terminal = process.stderr) {
    if (!stream.isTTY) return;
    this.#timer = setInterval(() => this.draw(), REDRAW_MS);
    this.#timer.unref();
  }

  begin(work: Exclude<Work, 'ask'>, total: number): void {
    this.#work = work;
    this.#done = 0;
    this.#total = total;
  }

  step(): void {
    this.#done += 1;
    if (this.#work === 'write') this.#written += 1;
    if (this.#work === 'prove') this.#proven += 1;
  }

  /** Progress of the present work. */
  get text(): string {
    return WORDS[this.#work](`${count(this.#done)} of ${count(this.#total)}`);
  }

  /** Sentence about what was done until an interruption. */
  get ending(): string {
    if (this.#written === 0) return 'interrupted: nothing was changed';
    if (this.#work === 'send')
      return 'interrupted while Kong takes the configuration, whole or not at all: `plan` shows which';
    const open = this.#written - this.#proven;
    const written =
      this.#work === 'write'
        ? `${count(this.#written)} certificates are written, the last ones perhaps not completely`
        : `${count(this.#written)} certificates are written`;
    return `interrupted: ${written}; ${count(this.#proven)} are proven, and ${count(open)} are not: run it again, or check \`status\``;
  }

  stop(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.hide();
  }

  /** Makes room for a line of the result. */
  hide(): void {
    if (this.#isShown) this.stream.write('\r\x1b[K');
    this.#isShown = false;
  }

  private draw(): void {
    const elapsed = performance.now() - this.#startedAt;
    if (elapsed < DELAY_MS) return;
    this.#frame = (this.#frame + 1) % FRAMES.length;
    this.#isShown = true;
    const line = `${FRAMES[this.#frame] ?? ''} ${this.text} · ${duration(elapsed)}`;
    this.stream.write(`\r\x1b[K${line.slice(0, Math.max(10, this.stream.columns - 1))}`);
  }
}

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** Shows the progress of work. An interruption prints what was done and ends the process: every write is whole. */
export async function withProgress<T>(work: (progress: Progress) => Promise<T>): Promise<T> {
  const progress = new Progress();
  const end = (signal: keyof typeof SIGNALS) => {
    progress.stop();
    fail(new Error(progress.ending), process.argv.includes('--json'));
    process.stdout.write('', () => process.exit(SIGNALS[signal]));
  };
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    return await work(progress);
  } finally {
    progress.stop();
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}
