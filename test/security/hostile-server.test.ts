import { describe, expect, it, test } from 'vitest';
import { EVERY_CLIENT } from '../support/every-client';
import { hostileServer, MISBEHAVIOURS } from '../support/hostile-server';

/** The largest answer that any of them reads, and what lies in buffers of the system. */
const MOST_BYTES = 160 * 1024 * 1024;

describe.each(Object.entries(EVERY_CLIENT))('%s', (_name, ask) => {
  it('asks', async () => {
    const server = await hostileServer(MISBEHAVIOURS['answers with a page']!);
    await ask(server.url, 10_000);
    expect(server.seen.length).toBeGreaterThan(0);
  });

  test.for(Object.entries(MISBEHAVIOURS))('that %s is given up within the limits', async ([, misbehave]) => {
    const server = await hostileServer(misbehave);
    // It ends at all: everything else is up to the time limit of the test.
    await ask(server.url, 100);
    expect(server.sent()).toBeLessThan(MOST_BYTES * Math.max(1, server.connections()));
  });
});
