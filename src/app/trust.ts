import type { Config } from './config';
import { OUR_TAG } from '../gateway';
import type { Gateway, Source } from '../model';
import { Trust } from '../trust';

export function createTrust(
  config: Config,
  gateway: Gateway,
  sources: readonly Source[],
  now: () => number = Date.now,
): Trust {
  return new Trust({
    sources,
    now,
    gateway,
    allowDowngrade: config.allow_downgrade,
    tag: OUR_TAG,
  });
}
