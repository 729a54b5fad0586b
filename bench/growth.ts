import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { findStatusSocket } from '../src/app/status-host';
import { findPluginServer } from '../test/live/kong';
import { eventually } from '../test/support/eventually';
import { ask } from '../test/support/http';
import { startKong, untilServed } from './kong';
import type { Result } from './measure';
import { makePairs, newPair, writePairs } from './pairs';
import { residentMb, untilAtRest } from './process';

const CERTIFICATES = 500;
const ROUNDS = 20;
const POLLS_A_ROUND = 1_000;

/** Memory of the plugin's process at rest after 10,000 swaps and 20,000 polls, against that after the first 500. */
export async function growth(folder: string): Promise<Result> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(CERTIFICATES);
  writePairs(certs, pairs);
  const plugin = { interval: 300, sources: [{ type: 'directory', path: certs }] };
  const kong = await startKong({ mode: 'database', folder, pairs, plugin });
  try {
    const pid = await eventually('there is a plugin server', () => findPluginServer(kong.prefix));
    const socketPath = findStatusSocket(kong.prefix);
    const poll = () => ask({ socketPath }, '/poll?wait=1', { method: 'POST' });
    const round = async () => {
      const renewed = pairs.map(({ name }) => newPair(name));
      writePairs(certs, renewed);
      await poll();
      for (const pair of renewed) await untilServed(kong.tlsPort, pair);
      for (let count = 0; count < POLLS_A_ROUND; count++) await poll();
    };
    await untilAtRest(pid);
    await round();
    await untilAtRest(pid);
    const floor = residentMb(pid);
    for (let count = 1; count < ROUNDS; count++) await round();
    await untilAtRest(pid);
    const ours = residentMb(pid);
    return {
      ...{ name: 'growth', ours, floor, ratio: ours / floor, unit: 'MB', limit: Math.round(floor + 5) },
      against: `after ${CERTIFICATES} swaps; ours after ${CERTIFICATES * ROUNDS} and ${POLLS_A_ROUND * ROUNDS} polls`,
    };
  } finally {
    await kong.stop();
  }
}
