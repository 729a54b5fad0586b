import { expect, it } from 'vitest';
import { Progress } from '../../../src/cli/progress';

const NO_TERMINAL = { isTTY: false, columns: 0, write: () => true };

function after(...done: [phase: Parameters<Progress['begin']>[0], total: number, steps: number][]) {
  const progress = new Progress(NO_TERMINAL);
  for (const [phase, total, steps] of done) {
    progress.begin(phase, total);
    for (let step = 0; step < steps; step++) progress.step();
  }
  return progress;
}

it.each([
  ['asking Kong', after()],
  ['1,234 of 5,000 bundles read', after(['read', 5_000, 1_234])],
  // A second round of reading is counted anew.
  ['2 of 5 bundles read', after(['read', 5, 5], ['read', 5, 2])],
  ['3 of 4 certificates proven', after(['write', 4, 4], ['prove', 4, 3])],
  ['Kong takes the configuration', after(['write', 4, 4], ['send', 0, 0])],
])('shows %s', (text, progress) => expect(progress.text).toBe(text));

it.each([
  ['nothing was changed', after(['read', 5, 5], ['check', 2, 1])],
  ['3 certificates are written, the last ones perhaps not completely; 0 are proven', after(['write', 9, 3])],
  ['takes the configuration, whole or not at all', after(['write', 9, 9], ['send', 0, 0])],
  ['9 certificates are written; 4 are proven, and 5 are not', after(['write', 9, 9], ['prove', 9, 4])],
])('an interruption leaves behind: %s', (text, progress) => expect(progress.ending).toContain(text));
