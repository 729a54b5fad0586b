import { readConfigs } from './configs';
import type { PassOptions } from './options';
import { standardOutput } from './output';
import { passJson } from './pass-json';
import { printPasses } from './pass-text';
import { isFailed, makePasses } from './passes';
import { withProgress } from './progress';

/**
 * Shows what a pass would do.
 * @returns the exit code: 2 where Kong differs from the sources, 1 where a part could not be read
 */
export async function plan({ config, json, ...location }: PassOptions): Promise<number> {
  const results = await withProgress(async (progress) =>
    makePasses(await readConfigs(config, location), location, true, progress),
  );
  const out = standardOutput();
  if (json === true) out.json(results.map(passJson));
  else printPasses(results, out);
  if (results.some((result) => isFailed(result) || result.report.sourceErrors.length > 0)) return 1;
  return results.some(
    (result) => !isFailed(result) && (result.report.events.length > 0 || result.report.waiting.length > 0),
  )
    ? 2
    : 0;
}
