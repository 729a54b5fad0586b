import type { Config } from './config';
import { kongIdentity } from '../gateway';
import { DeclarativeFile } from '../write-back';
import type { Connection } from './connection';

/** The declarative file to keep up to date; null: not configured, or Kong has a database. */
export function createDeclarativeFile(config: Config, kong: Connection): DeclarativeFile | null {
  if (!config.write_back || !kong.gateway.traits.startsFromFile) return null;
  return new DeclarativeFile(
    (id) => kong.gateway.certificates.readTexts(id),
    config.write_back_file ?? kong.facts()?.declarativeConfig ?? null,
    kong.facts() === null ? undefined : kongIdentity(kong.prefix).users,
  );
}
