import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { openBundle } from '../../../../src/certificates';
import { isRefusal } from '../../../../src/model';
import type { SourceTypeName } from '../../../../src/sources/registry';
import { issue, secretsIn } from '../../../support/bundles';
import { eventually } from '../../../support/eventually';
import { readerOf, troubles } from '../../../support/remote-source';
import type { Reader } from '../../../support/scans';
import { directoryWorld, fileWorld } from './files';
import { httpWorld, kubernetesWorld, vaultWorld } from './servers';
import type { Harness, World } from './world';

/** Every type of the registry: one without a world to be tested in does not compile. */
const WORLDS: Record<SourceTypeName, Harness> = {
  file: fileWorld,
  directory: directoryWorld,
  kubernetes: kubernetesWorld,
  vault: vaultWorld,
  http: httpWorld,
};

/** For how long a pass waits for a source; much longer than an answer takes here. */
const PATIENCE_MS = 2_000;

const first = issue();
const second = issue();

describe.each(Object.entries(WORLDS))('a source of type %s', (_type, start) => {
  /** With the first bundle there and known. */
  async function settled(): Promise<{ world: World; reader: Reader; name: string }> {
    const world = await start();
    world.put(first);
    const reader = readerOf(world.config, PATIENCE_MS);
    await reader.settle();
    const [name = ''] = reader.names;
    expect(reader.texts(name)).toMatchObject(textsOf(reader, first));
    world.fetches();
    return { world, reader, name };
  }

  it('finds its bundle once, and then only that it has not changed, without fetching it', async () => {
    const { world, reader } = await settled();
    for (let polls = 0; polls < 3; polls++) {
      expect(await reader.source.scan()).toMatchObject({ changed: [], removed: [], total: 1, errors: [] });
    }
    expect(world.fetches()).toBe(0);
  });

  it('finds a renewal', async () => {
    const { world, reader, name } = await settled();
    world.put(second);
    await reader.settle();
    expect(reader.names).toEqual([name]);
    expect(isWhole(reader, second)).toBe(true);
  });

  it('never yields a half-written bundle as a whole one, and finds it when it is written', async () => {
    const { world, reader } = await settled();
    world.putHalf(second);
    await reader.settle();
    expect(isWhole(reader, first)).toBe(false);
    expect(isWhole(reader, second)).toBe(false);
    world.put(second);
    await reader.settle();
    expect(isWhole(reader, second)).toBe(true);
  });

  it('tells that its bundle is gone, and finds it when it is back', async () => {
    const { world, reader } = await settled();
    world.remove();
    await eventually('it says so', async () => {
      const { errors } = await reader.pass();
      return errors.length > 0 || !isWhole(reader, first);
    });
    world.put(first);
    await reader.settle();
    expect(isWhole(reader, first)).toBe(true);
  });

  it.each(['forbid', 'hang'] as const)(
    '%s: says so, loses nothing, and goes on afterwards',
    async (trouble) => {
      const { world, reader, name } = await settled();
      world[trouble]();
      const scan = await reader.source.scan();
      expect(scan.removed).toEqual([]);
      const said = scan.changed.includes(name)
        ? JSON.stringify(await reader.source.read(name))
        : troubles(scan);
      expect(said).not.toBe('');
      for (const secret of ['s3cret', ...secretsIn(first.key)]) expect(said).not.toContain(secret);
      world.recover();
      await eventually('it reads again', async () => {
        const { errors } = await reader.pass();
        return errors.length === 0 && isWhole(reader, first);
      });
      world.put(second);
      await reader.settle();
      expect(isWhole(reader, second)).toBe(true);
    },
  );

  it('refuses a bundle that is too large, and takes it when it is not', async () => {
    const { world, reader } = await settled();
    world.putHuge(second);
    let said = '';
    await eventually('it says so', async () => {
      said += troubles(await reader.pass());
      for (const found of reader.bundles.values()) if (isRefusal(found)) said += found.reason;
      return said !== '';
    });
    expect(said).toContain('too_large');
    expect(isWhole(reader, second)).toBe(false);
    world.put(second);
    await reader.settle();
    expect(isWhole(reader, second)).toBe(true);
  });

  it('keeps nothing open once it is closed, though its server hangs', async () => {
    const { world, reader } = await settled();
    const stop = reader.source.watch?.(() => undefined);
    await reader.source.scan();
    world.hang();
    const scan = reader.source.scan();
    stop?.();
    reader.close();
    await scan;
    await eventually('everything is closed', () => world.open() === 0);
  });

  it('finds a bundle that comes after its first scans', async () => {
    const world = await start();
    const reader = readerOf(world.config);
    await reader.pass();
    await reader.pass();
    world.put(first);
    await reader.settle();
    expect(isWhole(reader, first)).toBe(true);
  });
});

/** The form of `first` in a reader's bundle: together or apart. */
function textsOf(reader: Reader, { chain, key }: typeof first) {
  const [found] = reader.bundles.values();
  const isTogether = found !== undefined && !isRefusal(found) && found.key === '';
  return isTogether ? { cert: chain + key, key: '' } : { cert: chain, key };
}

/** Whether the source yielded exactly this pair, and it opens. */
function isWhole(reader: Reader, { cert }: typeof first): boolean {
  const [found] = reader.bundles.values();
  if (found === undefined || isRefusal(found) || !found.cert.startsWith(cert.trim())) return false;
  const opened = openBundle(found);
  if (isRefusal(opened)) return false;
  const [leaf] = opened.chain;
  const key = createPrivateKey(opened.key.text);
  return leaf !== undefined && new X509Certificate(leaf.der).checkPrivateKey(key);
}
