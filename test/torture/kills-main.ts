import { parseArgs } from 'node:util';
import { GATEWAY_HELP, GATEWAY_OPTIONS, gatewaysOf } from './gateways';
import { killAtEachMoment, type Pass } from './kills';

const HELP = `Kills the plugin (SIGKILL) at each moment of a pass that writes two renewals, and judges what the next process makes of it.

  npm run kills -- [--each] [--every N] [--mode MODE] [--kong PATH [--pg URL]]

A moment is before or after something that the process does to a file or to Kong, or an await in between: the first,
one in the middle and the last.

  --each   also every await while a request has no answer yet or a file is half written (25 of them during a long
           answer); a process that is killed at any other leaves the same behind
  --every  only each Nth moment

${GATEWAY_HELP}`;

const say = (text: string) => process.stdout.write(`${text}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      ...GATEWAY_OPTIONS,
      each: { type: 'boolean', default: false },
      every: { type: 'string', default: '1' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return void say(HELP);
  const { startKong, worlds, stop } = await gatewaysOf(values);
  const { each } = values;
  const every = Number(values.every);
  if (!(every >= 1)) throw new Error('--every N: give a number of moments');
  for (const options of worlds) {
    for (const pass of ['signal', 'start'] satisfies Pass[]) {
      const report = await killAtEachMoment(startKong, pass, { ...options, each, every });
      const { effects, moments, killed, findings } = report;
      const awaits = effects.reduce((sum, effect) => sum + effect.awaits, 0);
      const title = pass === 'signal' ? 'a pass' : 'a start and its first pass';
      say(
        `${options.mode}, ${title}: ${effects.length} effects and ${awaits} awaits; killed at ${killed} of ${moments} moments`,
      );
      for (const { charge, detail } of findings) say(`  ${charge}: ${detail}`);
      if (findings.length > 0) process.exitCode = 1;
    }
  }
  await stop();
}

main().catch((error: unknown) => {
  process.stderr.write(`kills: ${(error as Error).stack ?? String(error)}\n`);
  process.exitCode = 1;
});
