import { onTestFinished } from 'vitest';
import type { Config } from '../../src/app/config';
import { connect } from '../../src/app/connection';
import { createReloader, type Reloader } from '../../src/app/reloader';
import type { LogRoot } from '../../src/report';
import { silentLog } from './silent-log';

/** A reloader for the Kong of this prefix that runs until the test is over. */
export async function startReloader(
  prefix: string,
  config: Config,
  logger: LogRoot = silentLog,
): Promise<Reloader> {
  const kong = await connect({ prefix }, {});
  const reloader = createReloader(config, kong, logger, 'entry');
  reloader.start();
  onTestFinished(async () => {
    await reloader.stop();
    kong.client.close();
  });
  return reloader;
}
