import { Gateway } from './gateway';
import type { GatewayOptions } from './options';

export type { LoggedRequest } from './admin/server';
export type { CertificateRow, PluginRow, Row, SniRow } from './entities/rows';
export type { Fault, PendingWrite, WriteHook } from './faults';
export { Gateway } from './gateway';
export type { GatewayOptions, Mode, PluginServerOptions, SeedCertificate } from './options';

/**
 * Starts a stand-in for Kong on 127.0.0.1: TLS side, Admin API, plugin servers.
 * @throws Error where Kong itself would not start
 */
export function startGateway(options: GatewayOptions = {}): Promise<Gateway> {
  return Gateway.start(options);
}
