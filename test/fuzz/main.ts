import { parseArgs } from 'node:util';
import { fuzz } from './run';

/** Fuzzing by hand: `npm run fuzz -- --runs 1000000 --seed 7`. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { runs: { type: 'string', default: '100000' }, seed: { type: 'string' } },
  });
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  process.stdout.write(`${values.runs} files, seed ${seed}\n`);
  const { outcomes, slowestMs, failures } = await fuzz({ runs: Number(values.runs), seed, maxMs: 1_000 });
  for (const [outcome, count] of Object.entries(outcomes).sort(([, a], [, b]) => b - a)) {
    process.stdout.write(`${String(count).padStart(9)} ${outcome}\n`);
  }
  process.stdout.write(`the slowest took ${slowestMs.toFixed(1)} ms; ${failures.length} broke a rule\n`);
  for (const failure of failures.slice(0, 10)) process.stdout.write(`${JSON.stringify(failure)}\n`);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`fuzz: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
