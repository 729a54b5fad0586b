import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../test/support/eventually';

/** Loaded before a program: at SIGUSR2 it writes down for how long the event loop was held up since the last one. */
const PROBE = `
const { monitorEventLoopDelay } = require('node:perf_hooks');
const delay = monitorEventLoopDelay({ resolution: 5 });
delay.enable();
process.on('SIGUSR2', () => {
  require('node:fs').writeFileSync(process.env.PAUSES, String(delay.max / 1e6));
  delay.reset();
});
`;

/** The longest pause of the event loop of a plugin server that is a process of its own. */
export class Pauses {
  readonly #file: string;
  /** Variables that the plugin server has to be started with. */
  readonly variables: string;

  constructor(folder: string) {
    const script = join(folder, 'probe.cjs');
    writeFileSync(script, PROBE);
    this.#file = join(folder, 'pauses');
    this.variables = `NODE_OPTIONS=--require=${script} PAUSES=${this.#file}`;
  }

  /** Milliseconds since the last call. */
  async take(pid: number): Promise<number> {
    rmSync(this.#file, { force: true });
    process.kill(pid, 'SIGUSR2');
    const text = await eventually('the plugin writes its pauses', () =>
      existsSync(this.#file) ? readFileSync(this.#file, 'utf8') || null : null,
    );
    return Number(text);
  }
}
