/** Sockets close and native memory is released a moment after the work that used them. */
const DELAY_MS = 300;

let timer: NodeJS.Timeout | null = null;

/**
 * Collects garbage shortly after work has ended: a process at rest would keep it for hours. Does nothing without
 * `--expose-gc` (kong-js-pluginserver).
 */
export function collectGarbageSoon(): void {
  timer ??= setTimeout(() => {
    timer = null;
    globalThis.gc?.();
  }, DELAY_MS).unref();
}
