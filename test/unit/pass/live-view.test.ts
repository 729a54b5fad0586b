import { expect, it } from 'vitest';
import type { Half, LiveView } from '../../../src/model';
import { ServedBook } from '../../../src/status';
import { certificateFacts } from '../../../src/status/facts';
import { issue } from '../../support/bundles';
import { passing } from '../../support/stages';

const days = (count: number) => new Date(Date.now() - count * 86_400_000);

/** The status of each half, as `id half state stored-age`. */
function shown(live: LiveView, served: ServedBook): string[] {
  return [...certificateFacts(live, served)].map(({ certificate, half, state }) =>
    [certificate?.id ?? '-', half satisfies Half, state].join(' '),
  );
}

it('while a pass waits, the status shows what was true before it, never a mixture of two moments', async () => {
  const served = new ServedBook();
  const { source, gateway, verifier, runner } = passing({ create: true, listener: served });
  gateway.put('K', issue({ notBefore: days(30) }));
  source.put('www', issue({ notBefore: days(20) }));
  source.put('new', issue({ names: ['new.test'], notBefore: days(20) }));
  await runner.pass('start');
  const before = shown(runner.live(), served);
  expect(before.sort()).toEqual([expect.stringMatching(/^[-\w]+ main in_sync$/), 'K main in_sync']);

  // A renewal, a broken bundle, a new one and one that is gone: each step of the pass looks at the status.
  const seen: string[][] = [];
  const look = () => void seen.push(shown(runner.live(), served).sort());
  source.put('www', issue({ notBefore: days(1) }));
  source.put('new', { cert: '', key: '' });
  source.put('third', issue({ names: ['third.test'], notBefore: days(1) }));
  source.onRead = look;
  const write = gateway.write.bind(gateway);
  gateway.write = async (...edits) => {
    look();
    const results = await write(...edits);
    look();
    return results;
  };
  verifier.verdict = () => {
    look();
    return 'served';
  };
  await runner.pass('poll');
  expect(seen.length).toBeGreaterThan(4);
  for (const one of seen) expect(one).toEqual(before);
  expect(shown(runner.live(), served).filter((line) => line.endsWith('in_sync'))).toHaveLength(2);
});
