import { expect, it } from 'vitest';
import { issue } from '../../support/bundles';
import { eventsOf, passing } from '../../support/stages';

const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

/** Two certificates that were renewed, and whether this gateway is the one that writes. */
function elected() {
  let isLeader = false;
  const stages = passing({ mayWrite: () => isLeader });
  for (const name of ['a', 'b']) {
    const names = [`${name}.test`];
    stages.gateway.put(name, issue({ names, notBefore: daysAgo(30) }), { snis: names });
    stages.source.put(name, issue({ names, notBefore: daysAgo(1) }));
  }
  return { ...stages, lead: (leads: boolean) => (isLeader = leads) };
}

it('a gateway that does not lead writes nothing, until it leads', async () => {
  const { runner, gateway, lead } = elected();
  for (const cause of ['start', 'poll', 'trigger'] as const) await runner.pass(cause);
  expect(gateway.writes).toEqual([]);
  lead(true);
  expect(eventsOf(await runner.pass('poll')).sort()).toEqual(['a: swapped (served)', 'b: swapped (served)']);
});

it('a gateway that no longer leads leaves the rest of its batch unwritten', async () => {
  const { runner, gateway, verifier, lead } = elected();
  gateway.batchSize = 1;
  lead(true);
  verifier.verdict = () => {
    lead(false);
    return 'served';
  };
  await runner.pass('start');
  expect(gateway.writes).toHaveLength(1);
});
