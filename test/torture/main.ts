import { parseArgs } from 'node:util';
import type { Fault } from './fault';
import { FAULTS } from './faults';
import { GATEWAY_HELP, GATEWAY_OPTIONS, gatewaysOf } from './gateways';
import { World } from './world';

const HELP = `Makes everything go wrong that can, and judges what the plugin made of it.

  npm run torture -- [--only NAME,NAME] [--list] [--mode MODE] [--kong PATH [--pg URL]]

${GATEWAY_HELP}`;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...GATEWAY_OPTIONS,
      only: { type: 'string' },
      list: { type: 'boolean' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void say(HELP);
  const chosen = choose(values.only?.split(',') ?? Object.keys(FAULTS));
  if (values.list === true) {
    for (const [name, { sentence }] of chosen) say(`${name.padEnd(28)}${sentence}`);
    return;
  }
  const { startKong, worlds } = gatewaysOf(values);
  let charged = 0;
  for (const options of worlds) {
    for (const [name, { mode = options.mode, count = 3, run }] of chosen) {
      if (mode !== options.mode) continue;
      const world = await World.start(startKong, { ...options, count });
      const { findings, recoveryMs } = await world.suffer(() => run(world)).finally(() => world.stop());
      const verdict = findings.length === 0 ? 'ok' : 'CHARGED';
      say(`${mode.padEnd(9)}${name.padEnd(28)}${verdict.padEnd(8)} well again after ${seconds(recoveryMs)}`);
      for (const { charge, detail } of findings) say(`            ${charge}: ${detail}`);
      if (findings.length > 0) charged++;
    }
  }
  say(charged === 0 ? 'no fault is charged with anything' : `${charged} faults are charged`);
  process.exitCode = charged === 0 ? 0 : 1;
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;

/** @throws Error where a name is not that of a fault */
function choose(names: readonly string[]): [string, Fault][] {
  return names.map((name) => {
    const fault = FAULTS[name];
    if (fault === undefined) throw new Error(`${name} is not the name of a fault; --list shows them`);
    return [name, fault];
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`torture: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
