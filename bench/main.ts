import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { settingsOf } from '../test/live/settings';
import { bulkDatabase, bulkDatabaseBusy, bulkDbless, rollback } from './bulk';
import { edits } from './edits';
import { formats } from './formats';
import { handshakes } from './handshakes';
import { realSettings } from './kong';
import { kubernetes } from './kubernetes';
import { withoutOptimising, type Result } from './measure';
import { namespaces } from './namespaces';
import { passes } from './passes';
import { dumpTime, idleCpuOfFolder, memories } from './process';
import { served } from './served';
import { statuses } from './status';

const { values } = parseArgs({
  options: { only: { type: 'string' }, kong: { type: 'string' }, pg: { type: 'string' } },
});
if (values.kong !== undefined) realSettings.current = settingsOf(values.kong, values.pg);
const root = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-bench-'));

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Measurements by the lines of the table that they make. */
const BENCHMARKS: readonly [names: readonly string[], measure: () => Promise<Result[]>][] = [
  [['idle-pass-10k', 'cold-pass-10k', 'parse-1k'], () => passes(folder('passes'))],
  [['file-to-served-database'], async () => [await served(folder('served-database'), 'database')]],
  [['file-to-served-dbless'], async () => [await served(folder('served-dbless'), 'dbless')]],
  [['bulk-1k-database'], async () => [await withoutOptimising(() => bulkDatabase(folder('bulk-database')))]],
  [
    ['bulk-1k-database-busy'],
    async () => [await withoutOptimising(() => bulkDatabaseBusy(folder('bulk-busy')))],
  ],
  [['bulk-1k-dbless'], async () => [await withoutOptimising(() => bulkDbless(folder('bulk-dbless')))]],
  [
    ['rollback-1k-database'],
    async () => [await withoutOptimising(() => rollback(folder('rollback-database'), 'database'))],
  ],
  [
    ['rollback-1k-dbless'],
    async () => [await withoutOptimising(() => rollback(folder('rollback-dbless'), 'dbless'))],
  ],
  [['edits-10k'], async () => [await edits()]],
  [['formats-1k'], async () => [await formats()]],
  [['status-10k', 'metrics-10k', 'pass-under-scrape-10k'], () => statuses(folder('status'))],
  [['handshake-time', 'handshake-cpu', 'handshake-cpu-noise'], () => handshakes(folder)],
  [['rss-1k', 'rss-10k'], () => memories(folder)],
  [['idle-cpu-1k'], async () => [await idleCpuOfFolder(folder('idle-cpu'))]],
  [['secret-to-served', 'k8s-rss-500', 'k8s-cold-5k', 'k8s-idle-cpu-5k'], () => kubernetes(folder)],
  [['k8s-100-namespaces', 'k8s-100-renewal'], () => namespaces(folder('namespaces'))],
  [['dump-time'], async () => [await dumpTime(join(root, 'dump'))]],
];

/** @throws Error where one of the names is not in the table */
function chosen(only: string | undefined): Set<string> {
  const known = BENCHMARKS.flatMap(([names]) => names);
  const wanted = only?.split(',') ?? known;
  const unknown = wanted.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new Error(
      `--only: ${unknown} is not one of ${known.join(', ')} (several with commas between them)`,
    );
  return new Set(wanted);
}

/** A longer one is marked. */
const MAX_PAUSE_MS = 50;

const cell = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0)).padStart(9);

function line({ name, ours, floor, ratio, unit, limit, limits, against, pauseMs }: Result): string {
  const isOurs = (limits ?? (unit === 'MB' ? 'ours' : 'ratio')) === 'ours';
  const isGood = limit === null || (isOurs ? ours : ratio) <= limit;
  const bound = limit === null ? '-' : isOurs ? `${limit} ${unit}` : String(limit);
  const pause = pauseMs === undefined ? '' : `${pauseMs.toFixed(0)} ms${pauseMs > MAX_PAUSE_MS ? '!' : ' '}`;
  return `${name.padEnd(28)}${cell(ours)}${cell(floor)} ${unit}${ratio.toFixed(2).padStart(8)}  ${isGood ? 'ok  ' : 'OVER'} ${bound.padEnd(7)}${pause.padStart(9)}  ${against}`;
}

async function main(): Promise<void> {
  const wanted = chosen(values.only);
  const results: Result[] = [];
  process.stdout.write(
    `${'benchmark'.padEnd(28)}     ours    floor       ratio       limit      pause  floor is\n`,
  );
  for (const [names, measure] of BENCHMARKS) {
    if (!names.some((name) => wanted.has(name))) continue;
    for (const result of await measure()) {
      if (!wanted.has(result.name)) continue;
      results.push(result);
      process.stdout.write(`${line(result)}\n`);
    }
  }
  if (values.only !== undefined || values.kong !== undefined) return;
  const rows = results.map(({ name, ours, floor, ratio, unit, pauseMs }) => ({
    ...{ name, ours, floor, ratio, unit },
    ...(pauseMs === undefined ? {} : { pauseMs }),
  }));
  writeFileSync('bench/results.json', `${JSON.stringify(rows, null, 2)}\n`);
}

main()
  .catch((error: unknown) => {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exitCode = 1;
  })
  .finally(() => rmSync(root, { recursive: true, force: true }));
