import { connect, type KongLocation } from '../../app/connection';
import { completeConfig, type Config } from '../../app/config';
import { readConfigFile } from '../configs';
import { tell } from '../failure';
import { CANARY_NAME, type PassOptions } from '../options';
import { duration, standardOutput, type Output } from '../output';
import { Progress, withProgress } from '../progress';
import { CANARY_ID } from './canary';
import { Drill, type DrillResult, type Step } from './drill';

export interface DrillCommandOptions extends PassOptions {
  sni?: string;
  listener?: string[];
}

/** Number of steps of a drill that finds nothing left over. */
const STEPS = 6;
const INTERRUPTED = 130;
/** A terminal that is closed sends SIGHUP. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** @returns the exit code */
export async function drill(options: DrillCommandOptions): Promise<number> {
  const { config: file, json, sni = CANARY_NAME, listener = [], ...location } = options;
  const config = await withProgress(() => configFor(file, location));
  const out = standardOutput();
  const abort = new AbortController();
  const stop = () => {
    if (!abort.signal.aborted) tell('interrupted: cleaning up');
    abort.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const isQuiet = json === true;
  const progress = new Progress();
  progress.begin('rehearse', STEPS);
  const result = await Drill.run({
    location,
    config: withListeners(config, listener),
    sni,
    signal: abort.signal,
    begun: (kong) => {
      progress.hide();
      if (!isQuiet) out.print(`rehearsing on ${kong} with ${sni}, which nobody else uses`);
    },
    done: (step) => {
      progress.step();
      progress.hide();
      if (!isQuiet) out.print(line(step, out));
    },
  }).finally(() => progress.stop());
  for (const signal of SIGNALS) process.off(signal, stop);
  const interrupted = abort.signal.aborted;
  const isClean = result.steps.every(({ step, ok }) => step !== 'clean_up' || ok);
  if (isQuiet) out.json({ ...result, interrupted });
  else out.print(verdict(result, interrupted, out));
  if (!isClean)
    tell(`certificate ${CANARY_ID} may still be in Kong: once Kong answers, the next drill removes it`);
  if (interrupted && isClean) return INTERRUPTED;
  return result.passed ? 0 : 1;
}

function verdict({ passed, steps }: DrillResult, interrupted: boolean, { paint }: Output): string {
  // The connection is open beside the other steps.
  const own = steps.filter(({ step }) => step !== 'open_connection');
  const time = duration(own.reduce((sum, { duration_ms: ms }) => sum + ms, 0));
  const total = ` (${steps.filter(({ ok }) => ok).length} of ${steps.length} steps in ${time})`;
  if (interrupted) return `${paint('yellow', 'interrupted')}${total}`;
  return passed
    ? `${paint('green', 'passed')}: a renewed certificate would be served, without a restart${total}`
    : `${paint('red', 'failed')}: a renewed certificate would not be served correctly${total}`;
}

const WORDS: Record<Step['step'], string> = {
  left_over: 'left over',
  create: 'create',
  create_proof: 'prove',
  swap: 'swap',
  swap_proof: 'prove',
  open_connection: 'connection',
  clean_up: 'clean up',
};

function line({ step, ok, detail, duration_ms: ms }: Step, { paint }: Output): string {
  const mark = ok ? paint('green', 'ok  ') : paint('red', 'fail');
  const time = step === 'open_connection' ? '' : duration(ms);
  return `${mark}  ${WORDS[step].padEnd(10)}  ${time.padStart(7)}  ${detail}`;
}

/** The configuration of the file, else of the plugin's entry in Kong: it says how to reach Kong and how to prove. */
async function configFor(file: string | undefined, location: KongLocation): Promise<Config> {
  if (file !== undefined) return (readConfigFile(file)[0] as { config: Config }).config;
  const { gateway } = await connect(location, {});
  const entries = await gateway.pluginEntries().finally(() => gateway.close());
  const active = entries.find((entry) => entry.enabled && entry.scope === null);
  return completeConfig(active?.config ?? {});
}

const withListeners = (config: Config, listeners: string[]): Config =>
  listeners.length === 0 ? config : completeConfig({ ...config, verify: { ...config.verify, listeners } });
