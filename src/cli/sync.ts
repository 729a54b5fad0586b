import type { PassReport } from '../model';
import { readConfigs } from './configs';
import type { PassOptions } from './options';
import { standardOutput } from './output';
import { passJson } from './pass-json';
import { printPasses } from './pass-text';
import { isFailed, makePasses } from './passes';
import { withProgress } from './progress';

export interface SyncOptions extends PassOptions {
  observe?: boolean;
  /** Wait for changes that are left to the ingress controller. */
  wait?: boolean;
}

/** Exit code: a change is left to the ingress controller for now. */
const WAITING = 3;

/** One pass for each configuration. @returns the exit code */
export async function sync({ config, json, observe, wait, ...location }: SyncOptions): Promise<number> {
  const results = await withProgress(async (progress) =>
    makePasses(await readConfigs(config, location), location, observe === true, progress, wait === true),
  );
  const out = standardOutput();
  if (json === true) out.json(results.map(passJson));
  else printPasses(results, out);
  if (!results.every((result) => !isFailed(result) && isGood(result.report))) return 1;
  return results.some((result) => !isFailed(result) && result.report.waiting.length > 0) ? WAITING : 0;
}

function isGood({ refused, unfinished, sourceErrors, events }: PassReport): boolean {
  const isRolledBack = events.some(({ outcome }) => outcome.kind === 'rolled_back');
  return refused === 0 && unfinished === 'no' && sourceErrors.length === 0 && !isRolledBack;
}
