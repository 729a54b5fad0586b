import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseArgs } from 'node:util';

const HELP = `Runs the live suite against a real Kong that it starts and stops itself.

  npm run test:live -- [--kong PATH] [--pg postgres://USER:PASSWORD@HOST:PORT/DATABASE] [-- VITEST ARGUMENTS]

  --kong   the kong executable; default: the one on the PATH
  --pg     a PostgreSQL database that may be emptied; without it the stories with a database are skipped
`;

function main(): number {
  const { values, positionals } = parseArgs({
    options: { kong: { type: 'string' }, pg: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
    allowPositionals: true,
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const kong = values.kong ?? onPath('kong');
  if (kong === null) {
    process.stderr.write('test:live: there is no kong on the PATH; name one with --kong\n');
    return 2;
  }
  const env = { ...process.env, LIVE_KONG: kong, ...(values.pg === undefined ? {} : { LIVE_PG: values.pg }) };
  const args = ['vitest', 'run', 'test/live', ...positionals];
  return spawnSync('npx', args, { stdio: 'inherit', env }).status ?? 1;
}

function onPath(name: string): string | null {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

process.exitCode = main();
