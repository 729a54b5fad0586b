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

/** V8 shrinks its young generation once little was allocated for five seconds. */
const IDLE_MS = 5_500;

/** Growth of the heap that is worth a collection, which takes as long as fifty handshakes; a poll leaves a third. */
const MUCH_BYTES = 4 * 1024 * 1024;

/** Bytes of the heap in use after the last collection. */
let usedBefore = 0;
let soon: NodeJS.Timeout | null = null;
let whenIdle: NodeJS.Timeout | null = null;

/**
 * Collects garbage shortly after work has ended, and once more when the process is idle, which would keep it for hours.
 * Does nothing without `--expose-gc` (kong-js-pluginserver).
 */
export function collectGarbageSoon(): void {
  if (whenIdle !== null) clearTimeout(whenIdle);
  whenIdle = null;
  soon ??= setTimeout(() => {
    soon = null;
    collect();
    whenIdle = setTimeout(compact, IDLE_MS).unref();
  }, DELAY_MS).unref();
}

/** V8's usual collection leaves pages half empty: with 10,000 certificates 31 MB lie in pages of 48 MB. */
function compact(): void {
  whenIdle = null;
  if (globalThis.gc === undefined) return;
  setFlagsFromString('--compact-on-every-full-gc');
  collect();
  setFlagsFromString('--no-compact-on-every-full-gc');
}

function collect(): void {
  globalThis.gc?.();
  usedBefore = getHeapStatistics().used_heap_size;
}

/** Collects garbage as above if the heap has grown, so that many small tasks share a collection. @param inUse bytes of the heap */
export function collectGarbageIfGrown(inUse = getHeapStatistics().used_heap_size): void {
  if (inUse - usedBefore > MUCH_BYTES) collectGarbageSoon();
}
