import { existsSync } from 'node:fs';
import type { GatewayOptions, Mode, PluginServerOptions } from './options';

/** Facts that are only known once everything listens. */
export interface EnvironmentFacts {
  mode: Mode;
  prefix: string;
  adminListen: string;
  tlsPort: number;
  httpPort: number;
  workers: number;
  defaultCertificate: { cert: string; key: string };
  plugins: readonly string[];
  socketOf: (server: PluginServerOptions) => string;
}

/** The effective configuration, as it goes into `<prefix>/.kong_env`. */
export function kongEnvironment(facts: EnvironmentFacts, options: GatewayOptions): Record<string, string> {
  const { declarativeConfig, pluginServers = [], env = {} } = options;
  const values: Record<string, string> = {
    admin_listen: facts.adminListen,
    database: facts.mode === 'dbless' ? 'off' : 'postgres',
    log_level: 'notice',
    nginx_worker_processes: String(facts.workers),
    pg_password: 'not-a-real-password',
    plugins: facts.plugins.join(','),
    prefix: facts.prefix,
    proxy_listen: `127.0.0.1:${facts.tlsPort} ssl, 127.0.0.1:${facts.httpPort}`,
    role: 'traditional',
    ssl_cert: facts.defaultCertificate.cert,
    ssl_cert_key: facts.defaultCertificate.key,
    status_listen: 'off',
  };
  if (declarativeConfig !== undefined && existsSync(declarativeConfig)) {
    values['declarative_config'] = declarativeConfig;
  }
  if (pluginServers.length > 0)
    values['pluginserver_names'] = pluginServers.map(({ name }) => name).join(',');
  for (const server of pluginServers) {
    const name = `pluginserver_${server.name.replaceAll('-', '_')}`;
    values[`${name}_socket`] = facts.socketOf(server);
    values[`${name}_query_cmd`] = server.queryCommand;
    if (server.startCommand !== undefined) values[`${name}_start_cmd`] = server.startCommand;
  }
  return { ...values, ...env };
}
