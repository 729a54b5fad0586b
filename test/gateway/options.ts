import type { Gateway } from './gateway';

export interface PluginServerOptions {
  name: string;
  /** Run once at start; prints the dump. */
  queryCommand: string;
  /** Absent: the server is managed from outside. */
  startCommand?: string;
  /** Default `<prefix>/<name>.socket`. */
  socket?: string;
}

export type Mode = 'dbless' | 'database';

export interface GatewayOptions {
  /** With a database: another gateway, whose database this one shares. */
  beside?: Gateway;
  /** Default `dbless`. */
  mode?: Mode;
  /** Default: a new temporary directory, removed at the end. */
  prefix?: string;
  /** Path or text of a kong.yml; only without a database. */
  declarativeConfig?: string;
  /** `127.0.0.1:0` (default) or `unix:/path`. */
  adminListen?: string;
  /** Default 0: any free port. */
  tlsPort?: number;
  httpPort?: number;
  /** Default 2. */
  workers?: number;
  /** Paths, several with commas between them; made on the spot below the prefix where absent. */
  defaultCertificate?: { cert: string; key: string };
  pluginServers?: readonly PluginServerOptions[];
  /** More lines for `<prefix>/.kong_env`, or other values for those it has. */
  env?: Readonly<Record<string, string>>;
  /** Default 10 MiB, as `nginx_admin_client_max_body_size`. */
  maxBodyBytes?: number;
  /** Default 30 s. */
  queryTimeoutMs?: number;
}

/** A certificate for `seed`. */
export interface SeedCertificate {
  id?: string;
  cert: string;
  key: string;
  snis: readonly string[];
  tags?: readonly string[];
}
