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
