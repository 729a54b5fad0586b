import type { Config } from './config';
import { StreamRoutes, tlsListeners, type TlsListener } from '../gateway';
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

/** Whether there is one place alone that may serve anything, the stream proxy included. */
export const hasOneListener = (config: Config, kong: Connection): boolean =>
  listenersOf(config, kong).length === 1 &&
  (config.verify.listeners.length > 0 || kong.listeners.length === 1);

/**
 * Proves what is written, at the stream proxy for names that a route of it asks for. With a database that one notices a
 * write only after a while, and is not asked.
 */
export function verifierOf(config: Config, kong: Connection): Verifier {
  const timeoutMs = config.verify.timeout * 1000;
  const routes = new StreamRoutes(kong.client, () => 0);
  const streams = () =>
    config.verify.listeners.length > 0 || kong.gateway.traits.sharesDatabase
      ? []
      : kong.listeners.filter(({ isStream }) => isStream === true);
  return new HandshakeVerifier({
    listeners: (sni) => [
      ...listenersOf(config, kong),
      ...streams().filter(({ port }) => routes.leadTo(port, sni)),
    ],
    ready: async () => {
      if (streams().length > 0) await routes.refresh();
    },
    timeoutMs,
    workers: () => kong.workers,
  });
}

const UNKNOWN: TlsSettings = { protocols: undefined, ciphers: undefined };

/** What Kong's own configuration says of its listeners now. */
export const tlsSettingsOf =
  ({ facts }: Connection): (() => TlsSettings) =>
  () =>
    facts()?.tlsSettings ?? UNKNOWN;
