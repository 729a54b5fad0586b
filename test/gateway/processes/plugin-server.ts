import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Kong starts a plugin server again at most once in this time. */
const RESPAWN_INTERVAL_MS = 1000;
const COMMAND_NOT_FOUND = 127;
const STOP_GRACE_MS = 5000;

/** A plugin server that Kong manages: kept running until it is stopped. */
export class PluginServer {
  #child: ChildProcess | null = null;
  #lastSpawn = 0;
  #timer: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(
    readonly startCommand: string,
    private readonly onLine: (line: string) => void,
  ) {}

  /** Null while none runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    this.#timer = null;
    this.#lastSpawn = Date.now();
    // An empty environment, as OpenResty's pipe gives: no PATH, no KONG_*, nothing.
    const child = spawn('/bin/sh', ['-c', `exec ${this.startCommand}`], {
      env: {},
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', this.onLine);
    child.on('error', (error) => {
      this.onLine(`cannot be started: ${error.message}`);
    });
    child.on('exit', (code) => {
      this.#child = null;
      if (this.#isStopped || code === COMMAND_NOT_FOUND) return;
      const wait = Math.max(0, this.#lastSpawn + RESPAWN_INTERVAL_MS - Date.now());
      this.#timer = setTimeout(() => {
        this.start();
      }, wait);
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** SIGTERM, and SIGKILL for one that does not listen. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = this.#child;
    if (child === null) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      child.kill('SIGTERM');
    });
  }
}
