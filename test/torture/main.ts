import { parseArgs } from 'node:util';
import { standIn } from '../integration/stand-in';
import { realKong } from '../live/kong';
import { settingsOf } from '../live/settings';
import type { KongMode, StartKong } from '../scenarios/kong';
import type { Fault } from './fault';
import { FAULTS } from './faults';
import type { Finding } from './judge';
import { World } from './world';

const HELP = `Makes everything go wrong that can, and judges what the plugin made of it.

  npm run torture -- [--only NAME,NAME] [--mode database|dbless] [--list]
                     [--kong PATH [--pg postgres://USER:PASSWORD@HOST:PORT/DATABASE]]

  --kong   a real Kong instead of the stand-in
  --pg     its PostgreSQL database, which is emptied; without it only the mode without a database is run
`;

/** The workers of a real Kong follow one another. */
const REAL_LAG_MS = 1_000;

async function main(): Promise<void> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    options: {
      only: text,
      mode: text,
      kong: text,
      pg: text,
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return;
  }
  const chosen = choose(values.only?.split(',') ?? Object.keys(FAULTS));
  if (values.list === true) {
    for (const [name, { sentence }] of chosen) process.stdout.write(`${name.padEnd(28)}${sentence}\n`);
    return;
  }
  const startKong = values.kong === undefined ? standIn : realKong(settingsOf(values.kong, values.pg));
  const modes = (['database', 'dbless'] as const).filter(
    (mode) =>
      (values.mode ?? mode) === mode &&
      (mode === 'dbless' || values.kong === undefined || values.pg !== undefined),
  );
  let charged = 0;
  for (const mode of modes) {
    for (const [name, fault] of chosen) {
      if ((fault.mode ?? mode) !== mode) continue;
      const { findings, recoveryMs } = await run(startKong, mode, fault, values.kong !== undefined);
      const verdict = findings.length === 0 ? 'ok' : 'CHARGED';
      process.stdout.write(
        `${mode.padEnd(9)} ${name.padEnd(28)}${verdict.padEnd(8)} well again after ${(recoveryMs / 1000).toFixed(1)} s\n`,
      );
      for (const { charge, detail } of findings) process.stdout.write(`            ${charge}: ${detail}\n`);
      if (findings.length > 0) charged++;
    }
  }
  process.stdout.write(
    charged === 0
      ? 'nothing was served, lost or changed that should not have been\n'
      : `${charged} charged\n`,
  );
  process.exitCode = charged === 0 ? 0 : 1;
}

/** @throws Error where a name is not that of a fault */
function choose(names: readonly string[]): [string, Fault][] {
  return names.map((name) => {
    const fault = FAULTS[name];
    if (fault === undefined) throw new Error(`${name} is not the name of a fault; --list shows them`);
    return [name, fault];
  });
}

async function run(
  startKong: StartKong,
  mode: KongMode,
  { count, run: suffer }: Fault,
  isReal: boolean,
): Promise<{ findings: Finding[]; recoveryMs: number }> {
  const world = await World.start(startKong, {
    ...{ mode, lagMs: isReal ? REAL_LAG_MS : 0 },
    ...(count === undefined ? {} : { count }),
  });
  try {
    return await world.suffer(() => suffer(world));
  } finally {
    await world.stop();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`torture: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
