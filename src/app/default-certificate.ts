import type { Config } from './config';
import { DefaultCertificate } from '../default-certificate';
import { KongReload } from '../gateway';
import { FileSource } from '../sources';
import { servedWithoutSni } from '../verify';
import type { Connection } from './connection';

/** For so long the old workers may still answer after a reload, and the new ones not be there yet. */
const RELOAD_PATIENCE_MS = 15_000;

/** Sources of the files that Kong was started with for clients without SNI, one for each type of key. */
export const defaultFiles = (kong: Connection): FileSource[] =>
  (kong.facts()?.defaultCertificate ?? []).map(({ cert, key }) => new FileSource(cert, key, false));

/** Null: it is not looked after, or cannot be. */
export function createDefaultCertificate(config: Config, kong: Connection): DefaultCertificate | null {
  const { default_certificate: mode, allow_downgrade: allowDowngrade } = config;
  const files = defaultFiles(kong);
  if (mode === 'off' || files.length === 0 || httpListeners(kong).length === 0) return null;
  return new DefaultCertificate({
    mode,
    files,
    served: (keyType, isWanted) => servedWithoutSni(httpListeners(kong), keyType, 2 * kong.workers, isWanted),
    reload: new KongReload(kong.prefix, kong.gateway.traits.startsFromFile),
    allowDowngrade,
    patienceMs: RELOAD_PATIENCE_MS,
  });
}

/** A client without SNI has no route in the stream proxy. */
const httpListeners = ({ listeners }: Connection) => listeners.filter(({ isStream }) => isStream !== true);
