import { parseArgs } from 'node:util';
import type { Fault } from './fault';
import { FAULTS } from './faults';
import { GATEWAY_HELP, GATEWAY_OPTIONS, gatewaysOf, isFor } from './gateways';
import { World } from './world';

const HELP = `Makes everything go wrong that can, and judges what the plugin made of it.

  npm run torture -- [--only NAME,NAME] [--list] [--log] [--mode MODE] [--kong PATH [--pg URL]]

  --log    what the plugin wrote where something is charged
${GATEWAY_HELP}`;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...GATEWAY_OPTIONS,
      only: { type: 'string' },
      list: { type: 'boolean' },
      log: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void say(HELP);
  const chosen = choose(values.only?.split(',') ?? Object.keys(FAULTS));
  if (values.list === true) {
    for (const [name, { sentence }] of chosen) say(`${name.padEnd(28)}${sentence}`);
    return;
  }
  const { startKong, worlds, stop } = await gatewaysOf(values);
  let [runs, charged] = [0, 0];
  for (const options of worlds) {
    for (const [name, fault] of chosen) {
      if (!isFor(fault, options)) continue;
      runs++;
      const isClean = await suffer(
        name,
        fault,
        () => World.start(startKong, { ...options, ...fault, mode: options.mode }),
        values.log,
      ).catch((error: unknown) => {
        say(`${options.mode.padEnd(9)}${name.padEnd(28)}BROKEN  ${sentenceOf(error as Error)}`);
        return false;
      });
      if (!isClean) charged++;
    }
  }
  await stop();
  say(`${runs} runs, ${charged} of them charged with something`);
  process.exitCode = charged === 0 ? 0 : 1;
}

/** @returns whether nothing is charged */
async function suffer(
  name: string,
  { run }: Fault,
  start: () => Promise<World>,
  isLogged: boolean,
): Promise<boolean> {
  const world = await start();
  let log = '';
  const { mode } = world;
  const { findings, recoveryMs } = await world
    .suffer(() => run(world))
    .finally(() => {
      log = world.kong.output();
      return world.stop();
    });
  const verdict = findings.length === 0 ? 'ok' : 'CHARGED';
  say(`${mode.padEnd(9)}${name.padEnd(28)}${verdict.padEnd(8)} well again after ${seconds(recoveryMs)}`);
  for (const { charge, detail } of findings) say(`            ${charge}: ${detail}`);
  if (isLogged && findings.length > 0) say(log);
  return findings.length === 0;
}

/** What `fetch` throws says why only in its cause. */
const sentenceOf = ({ message, cause }: Error) =>
  cause instanceof Error ? `${message} (${cause.message})` : message;

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
