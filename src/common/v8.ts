import { getHeapStatistics, setFlagsFromString } from 'node:v8';

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

/** V8 makes its young generation small again where little was allocated for five seconds. */
const CALM_MS = 5_500;

/** A poll leaves a third of it, and collecting takes as long as fifty handshakes. */
const MUCH_BYTES = 4 * 1024 * 1024;

/** Octets of the heap that were in use after the last collection. */
let left = 0;
let soon: NodeJS.Timeout | null = null;
let calm: NodeJS.Timeout | null = null;

/**
 * Collects garbage shortly after work has ended, and once more when all is calm: a process at rest would keep it for hours.
 * Does nothing without `--expose-gc` (kong-js-pluginserver).
 */
export function collectGarbageSoon(): void {
  if (calm !== null) clearTimeout(calm);
  calm = null;
  soon ??= setTimeout(() => {
    soon = null;
    collect();
    calm = setTimeout(compact, CALM_MS).unref();
  }, DELAY_MS).unref();
}

/** V8's usual collection leaves pages half empty: 48 MB for 31 with 10,000 certificates. */
function compact(): void {
  calm = null;
  if (globalThis.gc === undefined) return;
  setFlagsFromString('--compact-on-every-full-gc');
  collect();
  setFlagsFromString('--no-compact-on-every-full-gc');
}

function collect(): void {
  globalThis.gc?.();
  left = getHeapStatistics().used_heap_size;
}

/** The same once there is much of it: many small works share a collection. @param inUse octets of the heap */
export function collectMuchGarbage(inUse = getHeapStatistics().used_heap_size): void {
  if (inUse - left > MUCH_BYTES) collectGarbageSoon();
}
