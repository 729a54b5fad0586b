import type { FIELDS, Values } from './fields';

/** The plugin's `config`, with every default filled in. Names are Kong's: snake_case, seconds. */
export type Config = Values<typeof FIELDS>;

export type SourceConfig = Config['sources'][number];

export type AlertsConfig = Config['alerts'];
