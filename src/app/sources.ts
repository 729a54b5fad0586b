import type { Config, SourceConfig } from '../config';
import type { Source } from '../model';
import { DirectorySource, FileSource } from '../sources';

/** Where certificates usually are; looked at when no source is configured. They never create certificates. */
export const USUAL_PLACES = ['/etc/letsencrypt/live', '/etc/kong/certs'] as const;

export function createSources(config: Config): Source[] {
  if (config.sources.length > 0) return config.sources.map(createSource);
  return USUAL_PLACES.map((path) => new DirectorySource(path, false, true));
}

function createSource({ type, path, cert, key, create }: SourceConfig): Source {
  // Which of the two is there for which type is checked with the configuration.
  return type === 'directory'
    ? new DirectorySource(path ?? '', create)
    : new FileSource(cert ?? '', key ?? null, create);
}
