import { expect, it } from 'vitest';
import { Failure } from '../../../src/model';
import { OUR_TAG } from '../../../src/gateway';
import { issue } from '../../support/bundles';
import { eventsOf, passing } from '../../support/stages';

/** One of ours that kept names of a renewal without them, and holds none any more, beside one that is in use. */
function withObsolete(options: Parameters<typeof passing>[0] = {}) {
  const stages = passing(options);
  const pair = issue();
  stages.gateway.put('K', pair);
  stages.source.put('www', pair);
  stages.gateway.put('empty', issue({ names: ['gone.test'] }), {
    snis: [],
    tags: [OUR_TAG, 'ssl-cert-reloader-previous'],
  });
  return stages;
}

it('a certificate of ours without any name left is removed, and that is reported', async () => {
  const { runner, gateway } = withObsolete();
  const obsolete = (await runner.pass('start')).events;
  expect(obsolete.map(({ outcome }) => outcome)).toEqual([{ kind: 'removed', certificate: 'empty' }]);
  // The names that it had.
  expect(obsolete.map(({ snis }) => snis)).toEqual([['gone.test']]);
  expect([...gateway.entities.keys()]).toEqual(['K']);
  expect((await runner.pass('poll')).events).toEqual([]);
  expect([...runner.live().certificates.keys()]).toEqual(['K']);
});

it('a dry run, and a gateway that does not lead, remove nothing', async () => {
  for (const options of [{ observe: true }, { mayWrite: () => false }]) {
    const { runner, gateway } = withObsolete(options);
    await runner.pass('start');
    expect(gateway.entities.has('empty')).toBe(true);
  }
});

it('a certificate that Kong keeps, since something refers to it, is left alone until somebody asks', async () => {
  const { runner, gateway } = withObsolete();
  let asked = 0;
  gateway.remove = (certificates) => {
    asked += 1;
    return Promise.resolve(certificates.map(({ id }) => id));
  };
  await runner.pass('start');
  gateway.put('other', issue({ names: ['other.test'] }), { snis: ['other.test'] });
  expect((await runner.pass('poll')).events).toEqual([]);
  expect(asked).toBe(1);
  await runner.pass('trigger');
  expect(asked).toBe(2);
});

it('a removal that fails is logged once and tried again', async () => {
  const { runner, gateway } = withObsolete();
  const remove = gateway.remove.bind(gateway);
  gateway.remove = () => Promise.reject(new Failure('forbidden', 'it answered 403'));
  const first = await runner.pass('start');
  expect(eventsOf(first)).toEqual(['empty: failed: it answered 403']);
  expect(first.unfinished).toBe('failed');
  expect((await runner.pass('retry')).events).toEqual([]);
  gateway.remove = remove;
  expect(eventsOf(await runner.pass('retry'))).toEqual(['empty: removed']);
});
