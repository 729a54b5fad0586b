import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeclarativeDocument } from '../src/gateway/declarative/document';
import { findPluginServer } from '../test/live/kong';
import { eventually } from '../test/support/eventually';
import { untilAtRest } from '../test/support/process';
import { certificateId, realSettings, send, startKong, untilServed, type BenchKong } from './kong';
import { elsewhere, sideBySide, time, type Result } from './measure';
import { asStored, makePairs, newPair, pathsOf, siteName, writePairs, type Pair } from './pairs';
import { Pauses } from './pauses';

const COUNT = 1_000;
const LAST = COUNT - 1;

/** From the last byte on disk until the gateway serves it, against a bare write to the same gateway. */
export async function served(folder: string, mode: 'database' | 'dbless'): Promise<Result> {
  const certs = join(folder, 'certs');
  mkdirSync(certs, { recursive: true });
  const pairs = makePairs(COUNT);
  // The last one is not followed: it is what the bare write changes.
  const followed = pairs.slice(0, LAST);
  writePairs(certs, followed);
  const paths = pathsOf(certs, followed);
  const plugin = { interval: 300, sources: [{ type: 'directory', path: certs }] };
  const pauses = new Pauses(folder);
  const kong = await startKong({ mode, folder, pairs, plugin, pauses });
  // A real Kong takes seconds for a whole configuration; it is not to be kept busy meanwhile.
  const pauseMs = mode === 'database' ? 3 : 20;
  let turn = 0;
  const renew = () => {
    turn += 7;
    const index = turn % followed.length;
    const pair = newPair(siteName(index));
    return watched(kong, pair, pauseMs, () => replace(paths, index, pair));
  };
  const ours = async () => {
    // Without a database: after somebody else's post, as the bare one is, Kong's configuration is at hand some seconds
    // later, and after one of ours at once.
    if (mode === 'dbless') await renew();
    return renew();
  };
  try {
    // A real Kong needs a quarter of a minute for 1,000 certificates without a database.
    const patienceMs = realSettings.current === null ? 3_000 : 100_000;
    // The first renewal that gets through shows that the plugin is up.
    await eventually(
      'the plugin swaps',
      async () => (await Promise.race([renew(), late(patienceMs)])) !== null,
      4 * patienceMs,
    );
    const rounds = mode === 'database' ? 25 : realSettings.current === null ? 7 : 3;
    const bare = mode === 'database' ? barePatch : barePost;
    const pid = findPluginServer(kong.prefix);
    const isStandIn = realSettings.current === null;
    // Every certificate is looked at once after a start: what is measured is a process at rest.
    if (pid !== null) await untilAtRest(pid);
    if (pid !== null && isStandIn) await pauses.take(pid);
    const measured = elsewhere(await sideBySide(rounds, ours, () => bare(kong, pauseMs)));
    return {
      name: `file-to-served-${mode}`,
      ...measured,
      ...(pid === null || !isStandIn ? {} : { pauseMs: await pauses.take(pid) }),
      unit: 'ms',
      limit: mode === 'database' && realSettings.current === null ? 1.6 : 1.25,
      against: mode === 'database' ? 'a bare PATCH until served' : 'a bare POST /config until served',
    };
  } finally {
    await kong.stop();
  }
}

const late = (ms: number) => new Promise<null>((done) => setTimeout(done, ms, null));

function replace(paths: readonly string[], index: number, pair: Pair): void {
  for (const [path, text] of [
    [paths[index * 2] as string, pair.cert],
    [paths[index * 2 + 1] as string, pair.key],
  ] as const) {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }
}

/** About as long as a handshake takes. */
const HANDSHAKE_MS = 4;

/** For the proof of the write before, which is not measured. */
const REST_MS = 200;

/**
 * On both sides handshakes begin before the write, since they keep the gateway busy, too. The write comes at a random moment
 * between two of them. If it always came with a handshake, that one would just show a bare write, and anything slower would
 * have to wait for the next.
 */
async function watched(
  { tlsPort }: BenchKong,
  pair: Pair,
  pauseMs: number,
  write: () => unknown,
): Promise<number> {
  await sleep(REST_MS);
  const served = untilServed(tlsPort, pair, pauseMs);
  await sleep(Math.random() * (pauseMs + HANDSHAKE_MS));
  return time(() => Promise.all([write(), served]));
}

function barePatch(kong: BenchKong, pauseMs: number): Promise<number> {
  const pair = newPair(siteName(LAST));
  const body = asStored(pair);
  return watched(kong, pair, pauseMs, () =>
    send(kong.adminUrl, 'PATCH', `/certificates/${certificateId(LAST)}`, body),
  );
}

async function barePost(kong: BenchKong, pauseMs: number): Promise<number> {
  const pair = newPair(siteName(LAST));
  const { config } = (await send(kong.adminUrl, 'GET', '/config')) as { config: string };
  const document = new DeclarativeDocument(config);
  document.put('certificates', certificateId(LAST), asStored(pair));
  const text = document.toString();
  return watched(kong, pair, pauseMs, () => send(kong.adminUrl, 'POST', '/config', { config: text }));
}
