import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { bulk } from './bulk';
import { realSettings } from './kong';
import { kubernetes } from './kubernetes';
import type { Result } from './measure';
import { settingsOf } from '../test/live/settings';
import { edits } from './edits';
import { formats } from './formats';
import { passes } from './passes';
import { dumpTime, memories } from './process';
import { handshakes } from './handshakes';
import { served } from './served';
import { statuses } from './status';

const { values } = parseArgs({
  options: { only: { type: 'string', default: '' }, kong: { type: 'string' }, pg: { type: 'string' } },
});
if (values.kong !== undefined) realSettings.current = settingsOf(values.kong, values.pg);
const root = mkdtempSync(join(tmpdir(), 'ssl-cert-reloader-bench-'));

function folder(name: string): string {
  const path = join(root, name);
  mkdirSync(path, { recursive: true });
  return path;
}

const BENCHMARKS: Record<string, () => Promise<Result[]>> = {
  passes: () => passes(folder('passes')),
  'file-to-served-database': async () => [await served(folder('served-database'), 'database')],
  'file-to-served-dbless': async () => [await served(folder('served-dbless'), 'dbless')],
  bulk: async () => [await bulk(folder('bulk'))],
  'edits-10k': async () => [await edits()],
  'formats-1k': async () => [await formats()],
  'metrics-10k status-10k pass-under-scrape-10k': () => statuses(folder('status')),
  'handshake-time handshake-cpu handshake-cpu-noise': () => handshakes(folder),
  rss: () => memories(folder),
  'k8s secret-to-served': () => kubernetes(folder),
  'dump-time': async () => [await dumpTime(join(root, 'dump'))],
};

const cell = (value: number) => (value < 10 ? value.toFixed(2) : value.toFixed(0)).padStart(9);

function line({ name, ours, floor, ratio, unit, limit, against }: Result): string {
  const isGood = (unit === 'MB' ? ours : ratio) <= limit;
  const bound = unit === 'MB' ? `${limit} MB` : String(limit);
  return `${name.padEnd(26)}${cell(ours)}${cell(floor)} ${unit}${ratio.toFixed(2).padStart(8)}  ${isGood ? 'ok  ' : 'OVER'} ${bound.padEnd(7)} ${against}`;
}

async function main(): Promise<void> {
  const results: Result[] = [];
  process.stdout.write(`${'benchmark'.padEnd(26)}     ours    floor       ratio       limit   floor is\n`);
  for (const [name, run] of Object.entries(BENCHMARKS)) {
    if (!name.includes(values.only)) continue;
    for (const result of await run()) {
      results.push(result);
      process.stdout.write(`${line(result)}\n`);
    }
  }
  const rows = results.map(({ name, ours, floor, ratio, unit }) => ({ name, ours, floor, ratio, unit }));
  if (values.only === '' && values.kong === undefined)
    writeFileSync('bench/results.json', `${JSON.stringify(rows, null, 2)}\n`);
}

main()
  .catch((error: unknown) => {
    process.stderr.write(`bench: ${(error as Error).stack ?? String(error)}\n`);
    process.exitCode = 1;
  })
  .finally(() => rmSync(root, { recursive: true, force: true }));
