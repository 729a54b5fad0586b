import { setFlagsFromString } from 'node:v8';

/** Work on fewer items is over before optimized code would pay. */
const MANY = 2_000;

/**
 * Lets V8 optimize from now on where there is much to do. Its optimizing compiler makes the process 6 MB larger once it
 * has run, so the dedicated server starts without it (`--no-opt`, see scripts/bundles.mjs).
 */
export function optimiseFor(
  items: number,
  execArgv: readonly string[] = process.execArgv,
  setFlags: (flags: string) => void = setFlagsFromString,
): void {
  if (items > MANY && execArgv.includes('--no-opt')) setFlags('--opt');
}

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
