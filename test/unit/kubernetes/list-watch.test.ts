import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { KubernetesError, type KubernetesClient } from '../../../src/kubernetes';
import { ListWatch } from '../../../src/kubernetes/list-watch';

const EMPTY = { metadata: { resourceVersion: '7' }, items: [] };

/** An API server whose watches end as `watch` does. */
function scopeOf(watch: () => Promise<void>) {
  const asked = { lists: 0, watches: 0 };
  const client = {
    get: () => {
      asked.lists += 1;
      return Promise.resolve(EMPTY);
    },
    // eslint-disable-next-line require-yield -- nothing changes
    watch: async function* () {
      asked.watches += 1;
      await watch();
    },
  } as unknown as KubernetesClient;
  const nothing = { namespace: null, name: null, fieldSelector: null, labelSelector: null };
  const scope = new ListWatch({ client, api: '/api/v1', plural: 'secrets', ...nothing });
  return { scope, asked };
}

async function watchForTenTurns(scope: ReturnType<typeof scopeOf>['scope']): Promise<void> {
  await scope.refresh(() => undefined);
  const ended = new AbortController();
  const watching = scope.watch(() => undefined, ended.signal);
  for (let turns = 0; turns < 10; turns++) await turn();
  ended.abort();
  await watching;
}

it('a server that ends each watch at once is not asked again and again', async () => {
  const { scope, asked } = scopeOf(() => turn());
  await watchForTenTurns(scope);
  expect(asked.watches).toBeLessThan(4);
});

it('what a server has forgotten is listed at once, not by the next poll', async () => {
  const { scope, asked } = scopeOf(() =>
    Promise.reject(new KubernetesError('too old resource version', 410)),
  );
  await watchForTenTurns(scope);
  expect(asked.lists).toBe(2);
});

it('the right to watch may come, go and come again', async () => {
  let isAllowed = false;
  const { scope, asked } = scopeOf(() =>
    isAllowed ? Promise.resolve() : Promise.reject(new KubernetesError('cannot watch', 403)),
  );
  const poll = async () => {
    const before = asked.lists;
    await scope.refresh(() => undefined);
    return { isBlind: scope.isBlind, lists: asked.lists - before };
  };
  await poll();
  expect(await poll()).toEqual({ isBlind: true, lists: 1 });
  isAllowed = true;
  expect(await poll()).toEqual({ isBlind: false, lists: 0 });
  isAllowed = false;
  expect(await poll()).toEqual({ isBlind: true, lists: 1 });
});
