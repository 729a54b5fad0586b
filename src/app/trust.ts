import type { Config } from './config';
import { DatabaseCaStore, DeclarativeCaStore, DeclarativeTarget, OUR_TAG } from '../gateway';
import type { Source, Target } from '../model';
import { Trust } from '../trust';
import type { Connection } from './connection';

export function createTrust(
  config: Config,
  { client }: Connection,
  target: Target,
  sources: readonly Source[],
  now: () => number = Date.now,
): Trust {
  return new Trust({
    sources,
    now,
    store:
      target instanceof DeclarativeTarget
        ? new DeclarativeCaStore(client, target)
        : new DatabaseCaStore(client),
    allowDowngrade: config.allow_downgrade,
    tag: OUR_TAG,
  });
}
