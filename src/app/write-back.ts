import type { Config } from './config';
import { kongIdentity } from '../gateway';
import { DeclarativeFile } from '../write-back';
import type { Connection } from './connection';

/** Null: it is not wanted, or there is a database, which a Kong starts from. */
export function createDeclarativeFile(config: Config, kong: Connection): DeclarativeFile | null {
  if (!config.write_back || !kong.gateway.traits.startsFromFile) return null;
  return new DeclarativeFile(
    (id) => kong.gateway.certificates.readTexts(id),
    config.write_back_file ?? kong.facts()?.declarativeConfig ?? null,
    kong.facts() === null ? undefined : kongIdentity(kong.prefix).users,
  );
}
