import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { settingsOf } from '../../test/live/settings';
import { leafOf, servedLeaf } from '../../test/support/tls';
import { Watch } from '../../test/torture/watch';
import { realSettings, startKong } from '../kong';
import { median, time } from '../measure';
import { makePairs, newPair, writePairs, type Pair } from '../pairs';
import { PEERS, type Peer, type Server } from './peers';

const HELP = `Measures how other servers take a renewed certificate, beside Kong with this plugin, and prints a table.

  npm run peers -- [--counts 1,100,1000] [--only NAME,NAME] [--kong PATH [--pg URL]]

  --kong   a real Kong for our rows; default: the stand-in gateway
  --pg     its PostgreSQL database, which is emptied

Each row is measured under four clients that make handshakes and four that keep a connection. What is not on the PATH
is skipped by name. All servers listen on 127.0.0.1 alone.
`;

const WATCHES = 4;
const SETTLE_MS = 300;
const DEADLINE_MS = 120_000;

/** Kong with the plugin: the time begins with the last byte on disk, and finding out is part of it. */
const ours = (mode: 'database' | 'dbless'): Peer => ({
  name: `Kong with this plugin, ${mode === 'database' ? 'with a database' : 'without a database'}`,
  program: 'node',
  needsDatabase: mode === 'database',
  start: async (folder, pairs): Promise<Server> => {
    const certs = join(folder, 'certs');
    mkdirSync(certs, { recursive: true });
    writePairs(certs, pairs);
    const plugin = { interval: 300, sources: [{ type: 'directory', path: certs }] };
    const kong = await startKong({ mode, folder, pairs, plugin });
    const place = ({ name, cert, key }: (typeof pairs)[number]) => {
      const index = pairs.findIndex((pair) => pair.name === name);
      for (const [end, text] of [
        ['key', key],
        ['crt', cert],
      ] as const) {
        const path = join(certs, String(Math.floor(index / 500)), `${name}.${end}`);
        writeFileSync(`${path}.new`, text);
        renameSync(`${path}.new`, path);
      }
    };
    return { port: kong.tlsPort, place, tell: () => undefined, stop: () => kong.stop() };
  },
});

interface Row {
  name: string;
  /** Median time to served, by count. */
  ms: string[];
  failed: number;
  handshakes: number;
  dropped: number;
  requests: number;
}

async function measure(peer: Peer, counts: readonly number[], root: string): Promise<Row> {
  const row: Row = { name: peer.name, ms: [], failed: 0, handshakes: 0, dropped: 0, requests: 0 };
  for (const count of counts) {
    const pairs = makePairs(count);
    const folder = join(root, `${peer.name.replace(/\W+/g, '-')}-${count}`);
    mkdirSync(folder, { recursive: true });
    const server = await peer.start(folder, pairs);
    try {
      // The first renewal that is served shows that all is up.
      await renew(server, pairs[0]?.name ?? '');
      const watched = pairs.slice(0, 2).map(({ name }) => name);
      const watches = Array.from(
        { length: WATCHES },
        () =>
          new Watch(
            () => server.port,
            () => watched,
          ),
      );
      const times: number[] = [];
      const rounds = count >= 1_000 ? 3 : 7;
      for (let round = 0; round < rounds; round++) {
        await sleep(SETTLE_MS);
        times.push(await renew(server, pairs[(round * 7) % count]?.name ?? ''));
      }
      await sleep(SETTLE_MS);
      for (const watch of watches) {
        await watch.stop();
        row.handshakes += watch.handshakes.length;
        row.failed += watch.handshakes.filter(({ error }) => error !== null).length;
        row.requests += watch.requests.length;
        row.dropped += watch.requests.filter(({ error }) => error !== null).length;
      }
      row.ms.push(Math.round(median(times)).toLocaleString('en'));
    } finally {
      await server.stop();
    }
  }
  return row;
}

async function renew(server: Server, name: string): Promise<number> {
  const pair = newPair(name);
  server.place(pair);
  return time(async () => {
    await server.tell(pair);
    await untilTaken(server.port, pair);
  });
}

/** Unlike `untilServed` through whatever handshakes fail meanwhile: those are counted elsewhere. */
async function untilTaken(port: number, { name, cert }: Pair): Promise<void> {
  const [wanted, deadline] = [leafOf(cert), performance.now() + DEADLINE_MS];
  while ((await servedLeaf(port, name).catch(() => null)) !== wanted) {
    if (performance.now() > deadline) throw new Error(`${name} was never served`);
    await sleep(2);
  }
}

const lineOf = ({ name, ms, failed, handshakes, dropped, requests }: Row) =>
  `| ${name} | ${ms.map((one) => `${one} ms`).join(' | ')} | ${failed} of ${handshakes.toLocaleString('en')} | ${dropped} of ${requests.toLocaleString('en')} |`;

const isThere = (program: string) =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].some((folder) =>
    existsSync(join(folder, program)),
  );

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: { counts: text, only: text, kong: text, pg: text, help: { type: 'boolean' } },
  });
  const say = (line: string) => process.stdout.write(`${line}\n`);
  if (values.help === true) return void say(HELP);
  if (values.kong !== undefined) realSettings.current = settingsOf(values.kong, values.pg);
  const counts = (values.counts ?? '1,100,1000').split(',').map(Number);
  const hasDatabase = values.kong === undefined || values.pg !== undefined;
  const all = [...PEERS, ours('database'), ours('dbless')];
  const chosen = all.filter(
    ({ name }) => values.only?.split(',').some((one) => name.startsWith(one)) ?? true,
  );
  const begin = performance.now();
  const root = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-peers-'));
  try {
    say(
      `| Server | ${counts.map((count) => `${count} loaded`).join(' | ')} | failed handshakes | dropped requests |`,
    );
    say(`| --- | ${counts.map(() => '---').join(' | ')} | --- | --- |`);
    for (const peer of chosen) {
      const missing = peer.needsDatabase === true && !hasDatabase ? '--pg' : peer.program;
      if (missing === '--pg' || !isThere(missing)) {
        say(`| ${peer.name} | skipped: there is no ${missing} |`);
        continue;
      }
      // One that fails leaves the others their rows.
      const line = await measure(peer, counts, root).then(lineOf, (error: unknown) => {
        process.exitCode = 1;
        const { message, cause } = error as Error;
        const why = cause instanceof Error ? ` (${cause.message})` : '';
        return `| ${peer.name} | failed: ${message}${why} |`;
      });
      say(line);
    }
    const loads = loadavg().map((load) => load.toFixed(1));
    const minutes = ((performance.now() - begin) / 60_000).toFixed(1);
    say(`${minutes} minutes on ${availableParallelism()} cores, load in the end ${loads.join(', ')}`);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`peers: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
