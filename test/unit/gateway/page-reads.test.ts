import { expect, test } from 'vitest';
import type { AdminClient } from '../../../src/gateway/admin/client';
import { PageReads } from '../../../src/gateway/database/page-reads';

const idOf = (digit: number) => `${String(digit).repeat(8)}-1111-4111-8111-111111111111`;

test.for<[string, string[]]>([
  ['has no end', [idOf(1), idOf(1)]],
  ['is in another order', [idOf(3), idOf(1)]],
])('a list that %s is not read on', async ([, ids]) => {
  let page = 0;
  const get = () => {
    const id = ids[page % ids.length];
    page += 1;
    return Promise.resolve({ status: 200, body: { data: [{ id }], next: '/certificates?offset=x' } });
  };
  const pages = new PageReads({ url: 'http://127.0.0.1:8001', get } as unknown as AdminClient);
  expect(await pages.take(idOf(9))).toBeNull();
  expect(page).toBe(2);
});
