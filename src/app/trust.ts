import type { Config } from '../config';
import { DatabaseCaStore, DeclarativeCaStore, DeclarativeTarget, OUR_TAG } from '../gateway';
import type { Source, Target } from '../model';
import { TrustKeeper } from '../reconcile';
import type { Connection } from './connection';

export function createKeeper(
  config: Config,
  { client }: Connection,
  target: Target,
  sources: readonly Source[],
  now: () => number = Date.now,
  mayWrite?: () => boolean,
): TrustKeeper {
  return new TrustKeeper({
    sources,
    now,
    ...(mayWrite === undefined ? {} : { mayWrite }),
    store:
      target instanceof DeclarativeTarget
        ? new DeclarativeCaStore(client, target)
        : new DatabaseCaStore(client),
    observe: config.mode === 'observe',
    allowDowngrade: config.allow_downgrade,
    tag: OUR_TAG,
  });
}
