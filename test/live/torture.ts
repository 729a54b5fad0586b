import { expect, it, onTestFinished } from 'vitest';
import type { Fault } from '../torture/fault';
import { FAULTS } from '../torture/faults';
import { isFor } from '../torture/gateways';
import { World, type WorldOptions } from '../torture/world';
import type { StartKong } from '../scenarios/kong';

/** Faults that found something: each was mended, and is suffered again. */
const FOUND = ['database-away-after-a-write', 'restart-in-a-bulk', 'killed-in-a-write'] as const;

export function describeTorture(startKong: StartKong, options: WorldOptions): void {
  for (const name of FOUND) {
    const fault = FAULTS[name] as Fault;
    it.skipIf(!isFor(fault, options))(`${name} (${options.mode}): ${fault.sentence}`, async () => {
      const world = await World.start(startKong, { ...options, ...fault, mode: options.mode });
      onTestFinished(() => world.stop());
      expect((await world.suffer(() => fault.run(world))).findings).toEqual([]);
    });
  }
}
