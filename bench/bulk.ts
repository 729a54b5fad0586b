import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient } from '../src/gateway';
import { certificateId, startKong } from './kong';
import { sideBySide, time, type Result } from './measure';
import { asStored, makePairs, newPair, writePairs } from './pairs';
import { runnerFor } from './runner';

const COUNT = 1_000;
/** As many writes at once as the plugin makes. */
const CONCURRENCY = 16;

/** 1,000 certificates that changed at once: found, checked and written; against the writes alone. */
export async function bulk(folder: string): Promise<Result> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(COUNT);
  writePairs(certs, pairs);
  const kong = await startKong({ mode: 'database', folder, pairs });
  const client = new AdminClient({ url: kong.adminUrl, concurrency: CONCURRENCY });
  const runner = runnerFor(kong.adminUrl, certs);
  const renewed = () => pairs.map(({ name }) => newPair(name));
  try {
    await runner.pass('start');
    const measured = await sideBySide(
      3,
      async () => {
        writePairs(certs, renewed());
        return time(async () => {
          const { events } = await runner.pass('poll');
          if (events.length !== COUNT) throw new Error(`${events.length} of ${COUNT} were swapped`);
        });
      },
      () => {
        const bodies = renewed().map(asStored);
        return time(() => patchAll(client, bodies));
      },
    );
    return {
      name: 'bulk-1k-database',
      ...measured,
      unit: 'ms',
      limit: 1.3,
      against: '1,000 bare PATCHes, 16 at once',
    };
  } finally {
    client.close();
    await kong.stop();
  }
}

async function patchAll(client: AdminClient, bodies: readonly object[]): Promise<void> {
  const queue = bodies.entries();
  const worker = async () => {
    for (const [index, body] of queue) {
      const { status } = await client.request('PATCH', `/certificates/${certificateId(index)}`, body);
      if (status !== 200) throw new Error(`PATCH answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}
