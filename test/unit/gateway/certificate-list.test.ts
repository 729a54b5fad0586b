import { describe, expect, it, test } from 'vitest';
import { CertificateList } from '../../../src/gateway/admin/certificate-list';
import { readPages } from '../../../src/gateway/admin/pages';
import { readPluginEntries } from '../../../src/gateway/admin/plugin-entries';
import { toStored, type CertificateEntity } from '../../../src/gateway/admin/entities';
import { answering, clientOf, failureOf, type Answer } from '../../support/admin';
import { issue } from '../../support/bundles';

const first = issue();
const second = issue();
const entity = (
  id: string,
  { chain, key } = first,
  more: Partial<CertificateEntity> = {},
): CertificateEntity => ({
  id,
  cert: chain,
  key,
  snis: [`${id}.test`],
  tags: null,
  ...more,
});
const page = (data: unknown[], next: string | null = null): Answer => ({ status: 200, body: { data, next } });

async function listOf(...answers: Answer[]) {
  const { url, received } = await answering(answers);
  return { list: new CertificateList(clientOf(url)), received };
}

describe('a collection of the Admin API', () => {
  it('is read page by page until there is no next one', async () => {
    const { url, received } = await answering([
      page([{ id: 1 }, { id: 2 }], '/x?offset=a'),
      page([{ id: 3 }], '/x?offset=b'),
      page([{ id: 4 }]),
    ]);
    const pages: unknown[][] = [];
    for await (const items of readPages(clientOf(url), '/x')) pages.push(items);
    expect(pages).toEqual([[{ id: 1 }, { id: 2 }], [{ id: 3 }], [{ id: 4 }]]);
    expect(received.map((request) => request.url)).toEqual(['/x?size=500', '/x?offset=a', '/x?offset=b']);
  });

  test.for<[what: string, body: unknown]>([
    ['without data', { next: null }],
    ['with something else than entities', { data: [1] }],
    ['whose next page is an address', { data: [], next: 'http://evil.example/x' }],
    ['whose next page is a number', { data: [], next: 1 }],
  ])("with a page %s is not Kong's", async ([, body]) => {
    const { url } = await answering([{ status: 200, body }]);
    const read = async () => {
      for await (const _items of readPages(clientOf(url), '/x'));
    };
    await expect(read()).rejects.toMatchObject({ name: 'AdminError', failureKind: 'forbidden' });
  });

  it('without an end is given up', async () => {
    const { url, received } = await answering([page([], '/x?offset=again')]);
    const read = async () => {
      for await (const _items of readPages(clientOf(url), '/x'));
    };
    await expect(read()).rejects.toThrow('has no end');
    expect(received.length).toBeGreaterThan(1_000);
  });

  it('that is not there is an error with a status and a sentence', async () => {
    const { list } = await listOf({ status: 404, body: { message: 'Not found' } });
    const error = await failureOf(list.load());
    expect(error).toMatchObject({ code: 'ADMIN_STATUS', status: 404 });
    expect(error.message).toContain('answered GET /certificates?size=500 with 404: Not found');
  });

  it('that fails in the middle leaves what was known', async () => {
    const { list } = await listOf(page([entity('a')]), page([entity('b')], '/next'), {
      status: 401,
      body: {},
    });
    await list.load();
    await failureOf(list.load());
    expect([...list.stored.keys()]).toEqual(['a']);
    expect(list.isLoaded).toBe(true);
  });
});

describe('the certificates of Kong', () => {
  it('are known by id, and reading the same again is no change', async () => {
    const { list } = await listOf(page([entity('a'), entity('b')]));
    expect(list.isLoaded).toBe(false);
    expect(await list.load()).toBe(true);
    const before = list.stored.get('a');
    expect(await list.load()).toBe(false);
    expect(list.stored.get('a')).toBe(before);
    expect([...list.stored.keys()]).toEqual(['a', 'b']);
  });

  it.each<[string, CertificateEntity[]]>([
    ['another text', [entity('a', second)]],
    ['another SNI', [entity('a', first, { snis: ['other.test'] })]],
    ['an owner', [entity('a', first, { tags: ['ssl-cert-reloader'] })]],
    ['a Secret', [entity('a', first, { tags: ['k8s-namespace:web', 'k8s-name:www'] })]],
    ['a twin', [entity('a', first, { cert_alt: second.chain, key_alt: second.key })]],
    ['a vault reference', [entity('a', first, { cert: '{vault://env/c}' })]],
    ['one more', [entity('a'), entity('b')]],
    ['none', []],
  ])('have changed where there is %s', async (_, after) => {
    const { list } = await listOf(page([entity('a')]), page(after), page(after));
    await list.load();
    expect(await list.patrol()).toBe(true);
    expect(await list.patrol()).toBe(false);
    expect(list.stored.size).toBe(after.length);
  });

  it('are checked a page at a poll, from the start again after the last one', async () => {
    const { list, received } = await listOf(
      page([entity('a'), entity('b')]),
      page([entity('a')], '/certificates?offset=1'),
      page([entity('b', second)]),
      page([entity('a')], '/certificates?offset=1'),
    );
    await list.load();
    expect(await list.patrol()).toBe(false);
    expect(await list.patrol()).toBe(true);
    expect(await list.patrol()).toBe(false);
    expect(received.slice(1).map((request) => request.url)).toEqual([
      '/certificates?size=100',
      '/certificates?offset=1',
      '/certificates?size=100',
    ]);
  });

  it('that somebody removed are forgotten once every page was looked at, and not what was written meanwhile', async () => {
    const { list } = await listOf(
      page([entity('a'), entity('b'), entity('c')]),
      page([entity('b')], '/certificates?offset=1'),
      page([entity('c')]),
      page([entity('b')], '/certificates?offset=1'),
      page([entity('c')]),
    );
    await list.load();
    expect(await list.patrol()).toBe(false);
    list.put(toStored(entity('0', second)));
    expect([...list.stored.keys()]).toEqual(['a', 'b', 'c', '0']);
    expect(await list.patrol()).toBe(true);
    expect([...list.stored.keys()]).toEqual(['b', 'c', '0']);
    await list.patrol();
    await list.patrol();
    expect([...list.stored.keys()]).toEqual(['b', 'c']);
  });

  it('are checked from the start again after a page that failed', async () => {
    const { list, received } = await listOf(
      page([entity('a')]),
      page([entity('a')], '/certificates?offset=1'),
      { status: 404, body: { message: 'Not found' } },
      page([entity('a')]),
    );
    await list.load();
    await list.patrol();
    await failureOf(list.patrol());
    await list.patrol();
    expect(received.at(-1)?.url).toBe('/certificates?size=100');
  });

  it('are found by their content, also the twin, and no longer once they are replaced', async () => {
    const both = entity('a', first, { cert_alt: second.chain, key_alt: second.key });
    const { list } = await listOf(page([both]), page([entity('a', issue())]));
    await list.load();
    const { main, alt } = list.stored.get('a') ?? {};
    expect(list.find(main?.content ?? '')).toEqual(main);
    expect(list.find(alt?.content ?? '')).toEqual(alt);
    await list.patrol();
    expect(list.find(main?.content ?? '')).toBeUndefined();
    expect(list.find(alt?.content ?? '')).toBeUndefined();
  });

  it('can be read one by one, and one that is gone is forgotten', async () => {
    const { list } = await listOf(
      page([entity('a')]),
      { status: 200, body: entity('a', second) },
      { status: 404, body: {} },
    );
    await list.load();
    const looked = await list.readOne('a');
    expect(looked?.main.leaf?.fingerprint).not.toBe(undefined);
    expect(list.stored.get('a')).toEqual(looked);
    expect(await list.readOne('a')).toBeNull();
    expect(list.stored.size).toBe(0);
  });
});

describe("the plugin's entries", () => {
  const entry = (id: string, more: object = {}) => ({
    id,
    name: 'ssl-cert-reloader',
    enabled: true,
    config: { interval: 5 },
    ...more,
  });

  it('are found on every page, among all others', async () => {
    const { url } = await answering([
      page([{ id: 'x', name: 'rate-limiting', enabled: true }, entry('a')], '/plugins?offset=1'),
      page([entry('b', { enabled: false }), { id: 'y', name: 'ssl-cert-reloader-2', enabled: true }]),
    ]);
    expect(await readPluginEntries(clientOf(url))).toEqual([
      { id: 'a', enabled: true, scope: null, config: { interval: 5 } },
      { id: 'b', enabled: false, scope: null, config: { interval: 5 } },
    ]);
  });

  it.each(['route', 'service', 'consumer', 'consumer_group'])(
    'that are limited to a %s say so',
    async (scope) => {
      const { url } = await answering([page([entry('a', { route: null, [scope]: { id: 'z' } })])]);
      expect(await readPluginEntries(clientOf(url))).toMatchObject([{ scope }]);
    },
  );
});
