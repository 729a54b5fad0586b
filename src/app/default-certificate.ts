import type { Config } from './config';
import { DefaultCertificate } from '../default-certificate';
import { KongReload } from '../gateway';
import { FileSource } from '../sources';
import { servedWithoutSni } from '../verify';
import type { Connection } from './connection';

/** For so long the old workers may still answer after a reload, and the new ones not be there yet. */
const RELOAD_PATIENCE_MS = 15_000;

/** Sources of the files that Kong was started with for clients without SNI, one for each type of key. */
export const defaultFiles = ({ files }: Connection): FileSource[] =>
  (files?.defaultCertificate ?? []).map(({ cert, key }) => new FileSource(cert, key, false));

/** Null: it is not looked after, or cannot be. */
export function createDefaultCertificate(config: Config, kong: Connection): DefaultCertificate | null {
  const { default_certificate: mode, allow_downgrade: allowDowngrade } = config;
  const { files, listeners, workers } = kong;
  if (mode === 'off' || files === null || files.defaultCertificate.length === 0 || listeners.length === 0)
    return null;
  return new DefaultCertificate({
    mode,
    files: defaultFiles(kong),
    served: (keyType, isWanted) => servedWithoutSni(listeners, keyType, 2 * workers, isWanted),
    reload: new KongReload(files.prefix, kong.gateway.traits.startsFromFile),
    allowDowngrade,
    patienceMs: RELOAD_PATIENCE_MS,
  });
}
