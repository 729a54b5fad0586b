import { setTimeout as sleep } from 'node:timers/promises';
import { connect, type KongLocation } from '../app/connection';
import { compose, type Composed } from '../app/compose';
import type { Config } from '../app/config';
import type { PassReport, StoredCertificate } from '../model';
import type { NamedConfig } from './configs';
import { Progress } from './progress';

/** What one pass found and did, with what Kong stores after it. */
export interface PassResult {
  entry: string;
  report: PassReport;
  certificates: ReadonlyMap<string, StoredCertificate>;
}

/** A pass that could not be made: Kong or a configuration is not as it should be. */
export interface FailedPass {
  entry: string;
  error: string;
}

export const isFailed = (result: PassResult | FailedPass): result is FailedPass => 'error' in result;

/** Longer than a file that is being written is given before it counts as broken. */
const SETTLE_MS = 1_100;

/**
 * One pass for each configuration, with the very code that the plugin runs. Where one of several fails, the others
 * are made all the same.
 * @param observe change nothing, whatever the configuration says
 * @throws Error where the only one fails
 */
export async function makePasses(
  configs: readonly NamedConfig[],
  location: KongLocation,
  observe: boolean,
): Promise<(PassResult | FailedPass)[]> {
  const results: (PassResult | FailedPass)[] = [];
  for (const { entry, config } of configs) {
    const mode = observe ? 'observe' : config.mode;
    try {
      results.push({ entry, ...(await passOnce({ ...config, mode }, location)) });
    } catch (error) {
      if (configs.length === 1) throw error;
      results.push({ entry, error: (error as Error).message });
    }
  }
  return results;
}

async function passOnce(config: Config, location: KongLocation): Promise<Omit<PassResult, 'entry'>> {
  const kong = await connect(location, config.admin);
  const progress = new Progress();
  const { pass, gateway, close } = compose(config, kong, { progress });
  try {
    return { report: await settle(pass), certificates: gateway.certificates.stored };
  } finally {
    progress.stop();
    close();
    kong.client.close();
  }
}

/** Files that look half-written are looked at once more before anything is said about them. */
async function settle(pass: Composed['pass']): Promise<PassReport> {
  const first = await pass('command');
  if (first.unfinished !== 'settling') return first;
  await sleep(SETTLE_MS);
  const second = await pass('retry');
  return {
    ...second,
    cause: first.cause,
    durationMs: first.durationMs + second.durationMs,
    read: first.read + second.read,
    events: [...first.events, ...second.events],
    sourceErrors: [...first.sourceErrors, ...second.sourceErrors],
  };
}
