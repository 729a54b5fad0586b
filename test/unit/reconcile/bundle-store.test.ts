import { describe, expect, it } from 'vitest';
import { BundleStore } from '../../../src/reconcile/bundle-store';

const MIB = 1_048_576;
const pair = (bytes: number) => ({ cert: 'c'.repeat(bytes), key: '' });
const versions = (bytes: number) => ({ current: pair(bytes), previous: null });

describe('the texts that a rollback needs', () => {
  it('are those that were remembered, for each half on its own', () => {
    const store = new BundleStore();
    const main = { current: { cert: 'new', key: 'new' }, previous: { cert: 'old', key: 'old' } };
    store.remember('K', 'main', main);
    expect(store.versions('K', 'main')).toEqual(main);
    expect(store.versions('K', 'alt')).toBeUndefined();
    expect(store.versions('L', 'main')).toBeUndefined();
  });

  it('are those of the last swap', () => {
    const store = new BundleStore();
    store.remember('K', 'main', versions(1));
    store.remember('K', 'main', versions(2));
    expect(store.versions('K', 'main')?.current.cert).toHaveLength(2);
  });

  it('are gone after they were forgotten', () => {
    const store = new BundleStore();
    store.remember('K', 'main', versions(1));
    store.remember('K', 'alt', versions(1));
    store.forget('K', 'main');
    expect(store.versions('K', 'main')).toBeUndefined();
    expect(store.versions('K', 'alt')).toBeDefined();
  });

  it('take no more than 32 MiB: the oldest go first', () => {
    const store = new BundleStore();
    for (let index = 0; index < 40; index++) store.remember(`K${index}`, 'main', versions(MIB));
    const kept = Array.from({ length: 40 }, (_, index) => index).filter(
      (index) => store.versions(`K${index}`, 'main') !== undefined,
    );
    expect(kept).toEqual(Array.from({ length: 32 }, (_, index) => index + 8));
  });

  it('are kept for the thousand certificates of one batch', () => {
    const store = new BundleStore();
    const usual = { current: pair(4_000), previous: pair(4_000) };
    for (let index = 0; index < 1000; index++) store.remember(`K${index}`, 'main', usual);
    expect(store.versions('K0', 'main')).toEqual(usual);
  });
});
