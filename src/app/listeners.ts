import type { Config } from './config';
import { tlsListeners, type TlsListener } from '../gateway';
import type { Verifier } from '../model';
import { HandshakeVerifier, type TlsSettings } from '../verify';
import type { Connection } from './connection';

/**
 * The TLS listeners of this Kong, or those that are configured: a control plane has none itself. Without its stream
 * proxy: that closes a handshake for whose name it has no route, and logs an error each time.
 */
export function listenersOf({ verify: { listeners } }: Config, kong: Connection): readonly TlsListener[] {
  return listeners.length === 0
    ? kong.listeners.filter(({ isStream }) => isStream !== true)
    : tlsListeners(listeners.map((listener) => `${listener} ssl`).join(','));
}

export function verifierOf(config: Config, kong: Connection): Verifier {
  return new HandshakeVerifier({
    listeners: () => listenersOf(config, kong),
    timeoutMs: config.verify.timeout * 1000,
    workers: () => kong.workers,
  });
}

const UNKNOWN: TlsSettings = { protocols: undefined, ciphers: undefined };

/** What Kong's own configuration says of its listeners now. */
export const tlsSettingsOf =
  ({ facts }: Connection): (() => TlsSettings) =>
  () =>
    facts()?.tlsSettings ?? UNKNOWN;
