import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { expect, it } from 'vitest';
import { Authority } from '../../../src/authority/authority';
import { toStored } from '../../../src/gateway/admin/entities';
import type { StoredHalf } from '../../../src/model';
import { BundleReader } from '../../../src/pass/bundle-reader';
import { MemorySource } from '../../support/stages';

/*
 * V8 gives an object made by spreading a hidden class of its own: 400 octets for each bundle, and slow access to all.
 */

setFlagsFromString('--allow-natives-syntax');
const haveSameShape = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (a: object, b: object) => boolean;

const COUNT = 20;

it.each([true, false])('bundles of one source share a hidden class, in Kong: %s', async (isInKong) => {
  const issuer = Authority.root('Root').intermediate('Issuing');
  const source = Object.assign(new MemorySource('secrets'), { createIsExplicit: true });
  const stored = new Map<string, StoredHalf>();
  for (let index = 0; index < COUNT; index++) {
    const { chain, key } = issuer.issue({ names: [`${index}.test`] });
    source.put(`${index}`, { cert: chain, key });
    const { main } = toStored({ id: `${index}`, cert: chain, key });
    if (isInKong) stored.set(main.content, main);
  }
  const reader = new BundleReader([source], { find: (content) => stored.get(content) });
  await reader.scan(undefined);
  const [first, ...others] = [...reader.book.bundles()];
  expect(others).toHaveLength(COUNT - 1);
  for (const other of others) {
    expect(haveSameShape(first as object, other)).toBe(true);
    expect(haveSameShape(first?.leaf as object, other.leaf)).toBe(true);
  }
});
