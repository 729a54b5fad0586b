import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AdminClient, DatabaseGateway, DeclarativeGateway } from '../src/gateway';
import { openBundle } from '../src/certificates';
import { DeclarativeDocument } from '../src/gateway/declarative/document';
import { isRefusal, type Change, type Gateway, type PemPair, type Written } from '../src/model';
import { certificateId, send, startKong } from './kong';
import { cpuTime, sideBySide, time, type Result } from './measure';
import { asStored, makePairs, newPair, writePairs, type Pair } from './pairs';
import { runnerFor } from './runner';

const COUNT = 1_000;
/** Number of writes that the plugin makes at once. */
const CONCURRENCY = 16;
const AGAINST = '1,000 bare PATCHes, 16 at once';

const renewed = (pairs: readonly Pair[]) => pairs.map(({ name }) => newPair(name));

/** The bare writes are somebody else's to the plugin: it gets to know them before its own side is measured. */
async function learnChanges(gateway: Gateway): Promise<void> {
  while (await gateway.certificates.refresh());
}

/** The same beside a program that keeps a core busy. */
export async function bulkDatabaseBusy(folder: string): Promise<Result> {
  const other = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  try {
    return { ...(await bulkDatabase(folder)), name: 'bulk-1k-database-busy', limit: 1.3 };
  } finally {
    other.kill('SIGKILL');
  }
}

/** 1,000 certificates that changed at once: found, checked and written; against the writes alone. */
export async function bulkDatabase(folder: string): Promise<Result> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(COUNT);
  writePairs(certs, pairs);
  const kong = await startKong({ mode: 'database', folder, pairs });
  const client = new AdminClient({ url: kong.adminUrl, concurrency: CONCURRENCY });
  const gateway = new DatabaseGateway(new AdminClient({ url: kong.adminUrl }));
  const runner = runnerFor(gateway, certs);
  try {
    await runner.pass('start');
    const measured = await sideBySide(
      3,
      async () => {
        await learnChanges(gateway);
        writePairs(certs, renewed(pairs));
        return time(async () => {
          const { events } = await runner.pass('poll');
          if (events.length !== COUNT) throw new Error(`${events.length} of ${COUNT} were swapped`);
        });
      },
      () => {
        const bodies = renewed(pairs).map(asStored);
        return time(() => patchAll(client, bodies));
      },
    );
    return { name: 'bulk-1k-database', ...measured, unit: 'ms', limit: 1.1, against: AGAINST };
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
      if (status !== 200) throw new Error(`a bare PATCH answered ${status}`);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/** Cost of one post without a database, for this process besides Kong's own work. */
export async function bulkDbless(folder: string): Promise<Result> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(COUNT);
  writePairs(certs, pairs);
  const kong = await startKong({ mode: 'dbless', folder, pairs });
  let posts = 0;
  const onExchange = (method: string, status: number) =>
    (posts += Number(method === 'POST' && status === 201));
  const client = new AdminClient({ url: kong.adminUrl, onExchange });
  const gateway = new DeclarativeGateway(client);
  const runner = runnerFor(gateway, certs);
  try {
    await runner.pass('start');
    const measured = await sideBySide(
      3,
      async () => {
        await learnChanges(gateway);
        // After a renewal of its own the plugin has the configuration at hand; after somebody else's post it exports it.
        writePairs(certs, renewed(pairs.slice(0, 1)));
        await runner.pass('poll');
        writePairs(certs, renewed(pairs));
        posts = 0;
        const spent = await cpuTime(() => runner.pass('poll'));
        if (posts !== 1) throw new Error(`${posts} posts were made`);
        return spent;
      },
      async () => {
        const { config } = (await send(kong.adminUrl, 'GET', '/config')) as { config: string };
        const text = new DeclarativeDocument(config).toString();
        return cpuTime(() => send(kong.adminUrl, 'POST', '/config', { config: text }));
      },
    );
    return {
      ...{ name: 'bulk-1k-dbless', ...measured, unit: 'ms', limit: 300, limits: 'ours' },
      against: 'a bare POST /config of as many (CPU of the one who posts)',
    };
  } finally {
    client.close();
    await kong.stop();
  }
}

/** 1,000 certificates that are restored after a write; against writing as many. Without a database one post has to do. */
export async function rollback(folder: string, mode: 'database' | 'dbless'): Promise<Result> {
  const pairs = makePairs(COUNT);
  const kong = await startKong({ mode, folder, pairs });
  let posts = 0;
  const onExchange = (method: string) => (posts += Number(method === 'POST'));
  const client = new AdminClient({ url: kong.adminUrl, concurrency: CONCURRENCY, onExchange });
  const gateway = mode === 'database' ? new DatabaseGateway(client) : new DeclarativeGateway(client);
  const ours = async () => {
    const writes = await writeAll(gateway, renewed(pairs));
    posts = 0;
    const spent = await time(async () => {
      const results = await gateway.restore(writes);
      if (!results.every(({ kind }) => kind === 'restored')) throw new Error('not all were restored');
    });
    if (mode === 'dbless' && posts !== 1) throw new Error(`${posts} posts were made`);
    return spent;
  };
  const before = pairs.map(asStored);
  const floor = async () => {
    // Kong knows the texts that it gets again, as it does at a rollback.
    await writeAll(gateway, renewed(pairs));
    if (mode === 'database') return time(() => patchAll(client, before));
    const { config } = (await send(kong.adminUrl, 'GET', '/config')) as { config: string };
    const document = new DeclarativeDocument(config);
    for (const [index, texts] of before.entries())
      document.put('certificates', certificateId(index), { ...texts });
    const text = document.toString();
    return time(() => send(kong.adminUrl, 'POST', '/config', { config: text }));
  };
  try {
    return {
      ...{ name: `rollback-1k-${mode}`, ...(await sideBySide(3, ours, floor)), unit: 'ms' },
      limit: mode === 'database' ? 1.2 : null,
      against: mode === 'database' ? AGAINST : 'a bare POST /config of as many',
    };
  } finally {
    client.close();
    await kong.stop();
  }
}

async function writeAll(gateway: Gateway, pairs: readonly Pair[]): Promise<Written[]> {
  await learnChanges(gateway);
  const texts = new Map<Change, PemPair>();
  for (const [index, pair] of pairs.entries()) {
    const { name, cert, key } = pair;
    const opened = openBundle({ name, location: name, cert, key });
    const certificate = await gateway.certificates.readOne(certificateId(index));
    if (isRefusal(opened) || certificate === null) throw new Error(`${name} cannot be written`);
    const bundle = { ...opened.bundle, id: name, create: false };
    texts.set(
      { kind: 'update', half: 'main', isOfController: false, addSnis: [], bundle, certificate },
      asStored(pair),
    );
  }
  const edits = { certificates: [...texts.keys()], caCertificates: [] };
  const { certificates } = await gateway.write(edits, (change) =>
    Promise.resolve(texts.get(change) as PemPair),
  );
  const written = certificates.filter((result) => result.kind === 'written');
  if (written.length !== COUNT) throw new Error(`${written.length} of ${COUNT} were written`);
  return written;
}
