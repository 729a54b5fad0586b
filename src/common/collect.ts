/** Sockets close and native memory is let go a moment after the work that they were for. */
const DELAY_MS = 300;

let timer: NodeJS.Timeout | null = null;

/**
 * Collects garbage once what has just ended is quiet: a process at rest would keep it for hours. Without
 * `--expose-gc` (kong-js-pluginserver) nothing happens.
 */
export function collectSoon(): void {
  timer ??= setTimeout(() => {
    timer = null;
    globalThis.gc?.();
  }, DELAY_MS).unref();
}
