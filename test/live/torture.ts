import { expect, it, onTestFinished } from 'vitest';
import type { KongMode } from '../scenarios/kong';
import type { Fault } from '../torture/fault';
import { FAULTS } from '../torture/faults';
import { gatewaysOf, isFor } from '../torture/gateways';
import { World } from '../torture/world';
import type { LiveSettings } from './kong';

/** Faults that found something: each was mended, and is suffered again (docs/decisions/0190-what-the-faults-found.md). */
const FOUND = [
  'killed-in-a-write',
  'database-stopped-in-a-bulk',
  'database-away-after-a-write',
  'database-answer-lost',
  'database-answers-lost',
  'database-events-lost',
  'no-descriptors',
  'token-replaced',
  'answers-302',
  'no-answers',
  'deleted-in-a-bulk',
  'worker-frozen',
  'frozen-after-a-write',
  'listener-slow',
  'full-disk',
  'others-post',
  'two-gateways',
] as const;

/** @param settings null where there is no real Kong */
export function describeTorture(mode: KongMode, settings: LiveSettings | null): void {
  for (const name of FOUND) {
    const fault = FAULTS[name] as Fault;
    it.skipIf((fault.mode ?? mode) !== mode)(`${name} (${mode}): ${fault.sentence}`, async () => {
      const { startKong, worlds, stop } = await gatewaysOf({ mode, kong: settings?.kong, pg: settings?.pg });
      onTestFinished(stop);
      const [options] = worlds;
      if (options === undefined || !isFor(fault, options)) throw new Error('this Kong cannot suffer it');
      const world = await World.start(startKong, { ...options, ...fault, mode });
      onTestFinished(() => world.stop());
      expect((await world.suffer(() => fault.run(world))).findings).toEqual([]);
    });
  }
}
