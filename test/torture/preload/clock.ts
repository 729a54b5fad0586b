/*
 * Loaded into the plugin's process by NODE_OPTIONS: its clock is off by as many milliseconds as the file
 * TORTURE_CLOCK says. Timers go on as they do.
 */
import { readFileSync } from 'node:fs';

const Real = Date;
const file = process.env['TORTURE_CLOCK'] ?? '';

function offset(): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

const now = () => Real.now() + offset();

globalThis.Date = new Proxy(Real, {
  construct: (target, given: unknown[], newTarget) =>
    Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
  apply: () => new Real(now()).toString(),
  get: (target, property) => (property === 'now' ? now : (Reflect.get(target, property) as unknown)),
});
