import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Issued } from '../../../src/authority/authority';
import type { SourceScan } from '../../../src/model';
import { DirectorySource } from '../../../src/sources';
import { issue } from '../../support/bundles';
import { testFolder, writePair } from '../../support/folders';
import { eventsOf, MemorySource, passing, type MemoryGateway } from '../../support/stages';

const daysAgo = (count: number) => new Date(Date.now() - count * 86_400_000);
const [old, fresh, newest] = [30, 2, 1].map((days) => issue({ notBefore: daysAgo(days) })) as [
  Issued,
  Issued,
  Issued,
];

/** Does something between the question to Kong what it stores and Kong's answer. */
function beforeAnswer(gateway: MemoryGateway, work: () => Promise<void>): void {
  const { certificates } = gateway;
  const refresh = certificates.refresh.bind(certificates);
  certificates.refresh = async () => {
    await work();
    return refresh();
  };
}

describe('while Kong is asked what it stores', () => {
  it('files may change: the pass takes them as they are when it has answered', async () => {
    const folder = testFolder();
    writePair(folder, 'www', fresh);
    let scanned = (): void => undefined;
    const isScanned = new Promise<void>((done) => (scanned = done));
    class Folder extends DirectorySource {
      override async scan(touched?: ReadonlySet<string>): Promise<SourceScan> {
        const found = await super.scan(touched);
        scanned();
        return found;
      }
    }
    const { runner, gateway } = passing({ sources: [new Folder(folder, false)] });
    gateway.put('K', old);
    beforeAnswer(gateway, async () => {
      await isScanned;
      for (let turns = 0; turns < 10; turns++) await turn();
      writePair(folder, 'www', newest);
    });
    expect(eventsOf(await runner.pass('start'))).toEqual(['www.crt: swapped (served)']);
    expect(gateway.entities.get('K')?.cert).toBe(newest.chain);
  });

  it('sources that have to be waited for are read, all at once', async () => {
    const sources = [new MemorySource('one'), new MemorySource('other')];
    const { runner, gateway } = passing({ sources });
    for (const source of sources) {
      const name = `${source.id}.example.test`;
      const pair = (days: number) => issue({ names: [name], notBefore: daysAgo(days) });
      gateway.put(source.id, pair(30), { snis: [name] });
      source.put(name, pair(1));
    }
    const read = sources.map((source) => new Promise<void>((done) => (source.onRead = () => done())));
    beforeAnswer(gateway, async () => {
      await Promise.all(read);
    });
    expect(eventsOf(await runner.pass('start'))).toEqual([
      'one.example.test: swapped (served)',
      'other.example.test: swapped (served)',
    ]);
  });
});
